// Points are compiled and run by groups that share a program, so that no more programs are in
// memory than threads are at work; rows stand in the order of the lists, whoever was done first.
#include "cli/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/diag.h"
#include "base/outputs.h"
#include "base/page.h"
#include "base/terminal.h"
#include "base/workers.h"
#include "cli/numbers.h"
#include "compiler/ir/batch.h"
#include "compiler/planned.h"
#include "formats/program_files.h"
#include "isa/program.h"
#include "report/sweep.h"
#include "report/timed.h"

namespace systole::cli {
namespace {

constexpr std::size_t kMostPoints = 10'000;
constexpr std::int64_t kMostThreads = 1'024;

// One --set: a key and its values, several of a list.
struct Axis {
  std::string key;
  std::vector<std::string> values;
  [[nodiscard]] bool is_list() const { return values.size() > 1; }
};

Axis axis_of(const std::string& assignment) {
  Axis axis;
  axis.key = assignment.substr(0, assignment.find('='));
  std::string_view rest = assignment;
  rest.remove_prefix(std::min(axis.key.size() + 1, rest.size()));
  for (;;) {
    const std::size_t comma = rest.find(',');
    axis.values.emplace_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  const bool empty = std::ranges::any_of(axis.values, &std::string::empty);
  if (axis.is_list() && (empty || axis.key.empty())) {
    throw InputError("--set " + axis.key, fmt::format("'{}' is no list of values", assignment),
                     "KEY=VALUE,VALUE,...");
  }
  return axis;
}

std::vector<Axis> axes_of(const std::vector<std::string>& sets) {
  std::vector<Axis> axes;
  for (const std::string& assignment : sets) {
    axes.push_back(axis_of(assignment));
    const auto same = [&](const Axis& axis) { return axis.key == axes.back().key; };
    if (std::ranges::count_if(axes, same) > 1) {
      throw InputError("--set " + axes.back().key, "is given twice", "one list of values");
    }
  }
  return axes;
}

std::size_t count_points(const std::vector<Axis>& axes) {
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    count *= axis.values.size();
    if (count <= kMostPoints) continue;
    throw InputError("--set", fmt::format("the lists make more than {} points", kMostPoints),
                     "shorter lists");
  }
  return count;
}

// One combination of values. `machine` if there is one, else `error`.
struct Point {
  report::SweepRow row;
  isa::Machine machine;
  std::size_t group = 0;
};

// Points that share a program, which is there while any of them still needs it.
struct Group {
  isa::Machine planned;
  std::vector<std::size_t> points;
  std::mutex mutex;  // of what follows
  std::shared_ptr<const isa::Program> program;
  std::string error;  // why there is none
  bool tried = false;
  std::size_t left = 0;
};

class Sweeper {
 public:
  explicit Sweeper(const SweepRequest& request)
      : request_(request), why_(request.why), axes_(axes_of(request.job.machine.sets)) {
    // What is found must not depend on how busy the threads keep the computer.
    why_.longest_seconds = std::numeric_limits<double>::infinity();
  }

  report::Sweep run();

 private:
  void make_points(const isa::Machine& base);
  [[nodiscard]] Point point(const isa::Machine& base, std::size_t number) const;
  void note_points_units() const;
  void make_groups();
  [[nodiscard]] std::vector<std::size_t> order_for(std::size_t threads) const;
  void run_point(std::size_t number);
  std::shared_ptr<const isa::Program> program_of(Group& group, const isa::Machine& machine);
  report::Sweep result(const isa::Machine& base);

  const SweepRequest& request_;
  report::WhyOptions why_;
  const std::vector<Axis> axes_;
  JobSource source_;
  std::vector<Point> points_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::atomic<std::int64_t> programs_ = 0;
};

report::Sweep Sweeper::run() {
  const JobOptions& job = request_.job;
  std::optional<isa::Program> program;
  if (formats::is_program(job.subject)) program = formats::read_program(job.subject);
  const MachineOptions named{job.machine.machine, {}};
  const isa::Machine base =
      program ? resolve_machine(named, program->machine) : resolve_machine(named);
  make_points(base);
  source_ = read_job(job, std::move(program));
  if (source_.graph) note_points_units();
  make_groups();
  const std::size_t threads = request_.options.threads
                                  ? static_cast<std::size_t>(*request_.options.threads)
                                  : thread_count();
  const std::vector<std::size_t> order = order_for(threads);
  Progress progress("sweeping");
  std::atomic<std::size_t> done = 0;
  on_threads(order.size(), threads, [&](std::size_t i) {
    run_point(order[i]);
    progress.update(static_cast<double>(++done) / static_cast<double>(order.size()));
  });
  return result(base);
}

// The last list's values follow each other fastest.
Point Sweeper::point(const isa::Machine& base, std::size_t number) const {
  Point point;
  point.machine = base;
  std::vector<std::string> values;
  for (std::size_t i = axes_.size(); i > 0; --i) {
    const std::vector<std::string>& of = axes_[i - 1].values;
    values.insert(values.begin(), of[number % of.size()]);
    number /= of.size();
  }
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (axes_[i].is_list()) point.row.values.push_back(values[i]);
  }
  try {
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      isa::set_parameter(point.machine, axes_[i].key + "=" + values[i]);
    }
    isa::validate(point.machine);
  } catch (const InputError& error) {
    point.row.error = error.what();
  }
  return point;
}

void Sweeper::make_points(const isa::Machine& base) {
  const std::size_t count = count_points(axes_);
  for (std::size_t i = 0; i < count; ++i) points_.push_back(point(base, i));
}

void Sweeper::note_points_units() const {
  const auto several = std::ranges::find_if(
      points_, [](const Point& point) { return point.machine.array_units > 1; });
  if (several != points_.end()) note_units(several->machine);
}

// A program that was read is for every machine.
void Sweeper::make_groups() {
  for (std::size_t i = 0; i < points_.size(); ++i) {
    if (!points_[i].row.error.empty()) continue;
    const isa::Machine planned =
        source_.graph ? compiler::planned(points_[i].machine) : isa::Machine{};
    auto found =
        std::ranges::find_if(groups_, [&](const auto& group) { return group->planned == planned; });
    if (found == groups_.end()) {
      found = groups_.insert(groups_.end(), std::make_unique<Group>());
      (*found)->planned = planned;
    }
    (*found)->points.push_back(i);
    ++(*found)->left;
    points_[i].group = static_cast<std::size_t>(found - groups_.begin());
  }
}

// As many groups at a time as there are threads, each compiled by another of them.
std::vector<std::size_t> Sweeper::order_for(std::size_t threads) const {
  std::vector<std::size_t> order;
  for (std::size_t begin = 0; begin < groups_.size(); begin += threads) {
    const std::size_t end = std::min(begin + threads, groups_.size());
    const std::size_t before = order.size();
    std::size_t count = 0;
    for (std::size_t g = begin; g < end; ++g) count += groups_[g]->points.size();
    for (std::size_t k = 0; order.size() < before + count; ++k) {
      for (std::size_t g = begin; g < end; ++g) {
        if (k < groups_[g]->points.size()) order.push_back(groups_[g]->points[k]);
      }
    }
  }
  return order;
}

// The group's program, compiled by whoever asks first. Throws InputError if there is none.
std::shared_ptr<const isa::Program> Sweeper::program_of(Group& group, const isa::Machine& machine) {
  const std::lock_guard lock(group.mutex);
  if (!group.tried) {
    group.tried = true;
    ++programs_;
    try {
      group.program = std::make_shared<const isa::Program>(
          source_.graph ? program_for(request_.job, source_, machine) : source_.job.program);
    } catch (const InputError& error) {
      group.error = error.what();
    }
  }
  if (!group.program) throw InputError("", group.error);
  return group.program;
}

void Sweeper::run_point(std::size_t number) {
  Point& point = points_[number];
  Group& group = *groups_[point.group];
  try {
    const auto program = program_of(group, point.machine);
    report::SweepRow row =
        report::sweep_row(report::timed_record(*program, point.machine, why_, request_.engine));
    row.values = std::move(point.row.values);
    if (!request_.explains) row.changes.clear();
    point.row = std::move(row);
  } catch (const InputError& error) {
    point.row.error = error.what();
  }
  point.row.machine = point.machine.name;
  const std::lock_guard lock(group.mutex);
  if (--group.left == 0) group.program.reset();
}

report::Sweep Sweeper::result(const isa::Machine& base) {
  report::Sweep sweep;
  const isa::Program& read = source_.job.program;
  const std::int64_t batch = source_.graph ? compiler::batch_of(*source_.graph).rows : read.batch;
  sweep.title = fmt::format(
      "{} on {}: {} of {}, timing only", request_.job.subject, base.name,
      counted(source_.graph ? source_.batches : read.batches, "batch", "batches"), batch);
  sweep.programs = programs_;
  sweep.explains = request_.explains;
  for (const Axis& axis : axes_) {
    if (axis.is_list()) sweep.keys.push_back(axis.key);
  }
  for (Point& point : points_) sweep.rows.push_back(std::move(point.row));
  return sweep;
}

void require_rows(const report::Sweep& sweep) {
  const auto runs = [](const report::SweepRow& row) { return row.error.empty(); };
  if (std::ranges::any_of(sweep.rows, runs)) return;
  const report::SweepRow& first = sweep.rows.front();
  std::vector<std::string> values;
  for (std::size_t i = 0; i < sweep.keys.size(); ++i) {
    values.push_back(sweep.keys[i] + "=" + first.values[i]);
  }
  throw InputError("--set", fmt::format("none of {} points runs; with {}: {}", sweep.rows.size(),
                                        fmt::join(values, ", "), first.error));
}

}  // namespace

void add_sweep_options(Command app, SweepOptions& options) {
  app.add_option("--csv", options.csv,
                 "with a list, --set KEY=A,B,C (a run a value): writes the table as CSV")
      .type_name("FILE");
  app.add_option("--threads", options.threads,
                 "with a list in --set: runs at a time; default: this computer's cores")
      .check(whole_within(1, kMostThreads))
      .type_name("N");
}

bool has_lists(const JobOptions& job, const SweepOptions& options) {
  if (std::ranges::any_of(job.machine.sets, is_list)) return true;
  for (const auto& [name, given] : {std::pair("--csv", !options.csv.empty()),
                                    std::pair("--threads", options.threads.has_value())}) {
    if (given) throw InputError(name, "no --set has a list", "--set KEY=VALUE,VALUE,...");
  }
  return false;
}

void sweep(const SweepRequest& request) {
  OutputSet files;
  AtomicFile* csv = files.file("--csv", request.options.csv);
  const report::Sweep result = Sweeper(request).run();
  require_rows(result);
  if (csv != nullptr) csv->write(report::sweep_csv(result));
  files.commit();
  fmt::print("{}", request.json ? report::sweep_json(result) : report::sweep_text(result));
}

}  // namespace systole::cli
