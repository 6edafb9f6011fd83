// Readers that want a file get one in a folder of this process.
#include "tests/fuzz/targets_cli.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "base/csv.h"
#include "base/diag.h"
#include "base/files.h"
#include "base/temporary_file.h"
#include "cli/inputs.h"
#include "cli/model_options.h"
#include "compare/comparison/measurement.h"
#include "compare/model/fit.h"
#include "compiler/load.h"
#include "formats/program_files.h"
#include "formats/tensor_files.h"
#include "isa/expand.h"
#include "isa/verify.h"
#include "report/stats.h"
#include "report/summary.h"
#include "traces/sinks/open.h"
#include "validate/ort_cases.h"

namespace systole::fuzz {
namespace {

const TemporaryFolder& folder() {
  static const TemporaryFolder made;
  return made;
}

// Written in place: to free the blocks of a file that is replaced takes some disks milliseconds.
std::string on_disk(Bytes bytes, const std::string& name) {
  const std::string path = folder().file(name);
  std::ofstream(path, std::ios::binary | std::ios::app).close();  // makes it
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  file.close();
  std::filesystem::resize_file(path, bytes.size());
  return path;
}

// Runs each; an InputError of one is no reason to leave the others out.
template <typename... Reads>
void each(const Reads&... reads) {
  const auto run_one = [](const auto& read) {
    try {
      read();
    } catch (const InputError& error) {
      const std::string text = error.what();
      SYSTOLE_CHECK(text.find('\n') == std::string::npos, "message '{}'", text);
    }
  };
  (run_one(reads), ...);
}

}  // namespace

void read_options(Bytes bytes) {
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  isa::Machine machine = isa::load_machine("tiny_8");
  for (std::string word; std::getline(in, word);) {
    each(
        [&] {
          isa::set_parameter(machine, word);
          isa::validate(machine);
        },
        [&] {
          static_cast<void>(cli::load_options({std::nullopt, {word}, {}, {}}));
        },
        [&] {
          static_cast<void>(cli::load_options({std::nullopt, {}, {word}, {}}));
        },
        [&] {
          if (word.starts_with("random")) static_cast<void>(cli::read_source(word));
        },
        [&] {
          compiler::LoadOptions options;
          options.structure_only = true;
          if (word.find(':') != std::string::npos && !word.ends_with(".csv"))
            static_cast<void>(compiler::load_model(word, options));
        });
  }
}

void read_tensor_files(Bytes bytes) {
  each([&] { static_cast<void>(formats::read_tensor_file(on_disk(bytes, "t.npy"))); },
       [&] { static_cast<void>(formats::read_tensor_file(on_disk(bytes, "t.pb"))); });
}

void read_inputs(Bytes bytes) {
  cli::InputSource source{.is_random = false, .seed = 0, .origin = "fuzz", .tensor = {}};
  source.tensor = formats::read_tensor_file(on_disk(bytes, "i"));
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 3}, Shape{1, 2, 2, 1}}) {
    for (const DType type : {DType::kFloat32, DType::kUint8, DType::kInt8, DType::kInt64}) {
      each([&] {
        cli::InputSource one = source;
        cli::match_rows("x", one, shape);
        cli::truncate_rows(one.tensor, 2);
        const Tensor fitted = cli::fit_input("x", one, type, shape);
        SYSTOLE_CHECK(fitted.type == type && fitted.shape == shape, "{}", shape_text(fitted.shape));
      });
    }
  }
}

void read_tables(Bytes bytes) {
  const std::string path = on_disk(bytes, "t.csv");
  each(
      [&] {
        const CsvTable table = read_csv(path);
        for (const std::string& name : table.heading) {
          for (const CsvRow& row : table.rows)
            each([&] { static_cast<void>(whole_number(table, row, name, -10, 1 << 20)); });
        }
      },
      [&] { static_cast<void>(compare::read_product_rows(path)); });
}

void read_measurement(Bytes bytes) {
  for (const compare::Measurement& m : compare::read_measurements(on_disk(bytes, "m.json"))) {
    const auto json = compare::to_json(m);
    const auto text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    const auto again = compare::measurement_from_json(nlohmann::ordered_json::parse(text), "again");
    SYSTOLE_CHECK(again.samples == m.samples, "a written measurement differs");
    static_cast<void>(compare::difference(m, {"gemm:1,1,1", "", {1, 2}, {"fp32"}}));
    static_cast<void>(m.quick());
  }
}

void read_classes(Bytes bytes) {
  on_disk(bytes, "classes.json");
  static_cast<void>(validate::ort_cases(folder().file("")));
}

void write_reports(Bytes bytes) {
  const isa::Program program = formats::program_from_text({bytes.begin(), bytes.end()}, "fuzz.asm");
  if (!isa::verify(program, program.machine).empty()) return;
  std::int64_t executed = 0;
  constexpr std::int64_t kMost = 2'000;
  isa::for_each_executed(program.code,
                         [&](std::size_t, const isa::Insn&) { return ++executed < kMost; });
  if (executed == kMost) return;
  report::Record record;
  record.model = program.model;
  record.machine = program.machine;
  record.timing_only = true;
  std::ostringstream trace;
  const auto sink = traces::open_sink("trace.json", trace,
                                      {.model = program.model,
                                       .machine = program.machine.name,
                                       .clock_hertz = program.machine.clock_hertz});
  sim::RunOptions options;
  options.timing_only = true;
  options.probe = sink.get();
  record.report = sim::run(program, program.machine, {}, options).report;
  sink->finish(record.report.total.cycles);
  SYSTOLE_CHECK(nlohmann::json::accept(trace.str()), "the trace is no JSON");
  SYSTOLE_CHECK(nlohmann::json::accept(report::stats_json(record)), "the statistics are no JSON");
  static_cast<void>(report::summary(record, true));
}

}  // namespace systole::fuzz
