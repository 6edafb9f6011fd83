// Options shared by every subcommand that takes a model: which model, which machine, which shapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "compiler/load.h"
#include "isa/machine.h"

namespace systole::cli {

inline constexpr const char* kModelHelp =
    "an .onnx file, ONNX text, gemm:M,K,N, mlp:D0,D1,...,Dn, conv:N,C,H,W,K,R,S,stride,pad, "
    "vadd:N (see `systole models`) or a SCALE-Sim topology .csv";

struct MachineOptions {
  std::string machine;            // preset or .toml file; empty: the default of the subcommand
  std::vector<std::string> sets;  // "key=value"
};

struct ShapeOptions {
  std::optional<std::int64_t> batch;
  std::vector<std::string> dims;    // "NAME=N"
  std::vector<std::string> shapes;  // "x=1x3x224x224"
  std::vector<std::string> binds;   // "sr=16000"
};

inline constexpr const char* kMachineHelp =
    "a preset (see `systole machines`) a .toml file or a SCALE-Sim .cfg file; default tpu_v1";

void add_machine_options(Command app, MachineOptions& options,
                         const std::string& text = kMachineHelp);
void add_shape_options(Command app, ShapeOptions& options);
// --schedule, by name; a name that is none is a wrong usage.
void add_schedule_option(Command app, std::string& schedule);

// Whether an assignment has several values, "key=a,b,c", as run and explain take them (sweep.h).
[[nodiscard]] bool is_list(const std::string& assignment);

// The machine named, or `fallback` if none is, with every --set applied. Throws InputError.
[[nodiscard]] isa::Machine resolve_machine(const MachineOptions& options,
                                           const isa::Machine& fallback);
[[nodiscard]] isa::Machine resolve_machine(const MachineOptions& options);  // fallback: tpu_v1
// Whether the machine, of several the first, multiplies no integers, so that inline shapes are
// float models; --set aside.
[[nodiscard]] bool multiplies_floats_alone(const MachineOptions& options);

// Says so where a machine has more matrix units than compiled programs use.
void note_units(const isa::Machine& machine);

// Throws InputError naming the option for a malformed NAME=N or NAME=AxB.
[[nodiscard]] compiler::LoadOptions load_options(const ShapeOptions& options);

// A Check: refuses a text that is no whole number from 1.
[[nodiscard]] std::string check_count(const std::string& text);

}  // namespace systole::cli
