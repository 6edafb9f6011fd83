// Program: what the compiler hands to a machine: instructions, weight image, tables; the .tpu file.
//
// Host memory is one flat byte space that holds the program's host tensors and its constants at the
// addresses given below. A run starts with host stage 0, then the instructions; `interrupt n` runs
// host stage n; after `halt` comes stage kFinalStage. Host steps are what the machine cannot do
// (quantising the float input, softmax): named, priced and reported.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "isa/insn.h"
#include "isa/machine.h"

namespace systole::isa {

inline constexpr std::int64_t kFinalStage = 65'535;

// Who fills or reads a host tensor. A kConstant lies wholly inside the constants, the others
// outside.
enum class Role : std::uint8_t { kInput, kOutput, kIntermediate, kConstant };

// A tensor in host memory. Row-major, `shape[0]` is batch * batches for tensors that have a batch.
struct HostTensor {
  std::string name;
  DType type = DType::kUint8;
  Shape shape;
  Role role = Role::kIntermediate;
  std::int64_t address = 0;  // in the program's host memory
  [[nodiscard]] std::int64_t bytes() const { return element_count(shape) * dtype_bytes(type); }
  bool operator==(const HostTensor&) const = default;
};

// What the host does in a step: rows of host_ops.def.
enum class HostOp : std::uint8_t {
#define SYSTOLE_HOST_OP(name, text, meaning) name,
#include "isa/host_ops.def"
};

// One host step on whole tensors. `numbers` and `reals` are the operation's attributes in the order
// that host_ops.def gives.
struct HostStep {
  std::int64_t stage = 0;
  HostOp op{};
  std::string name;                   // the ONNX node it stands for
  std::vector<std::int64_t> inputs;   // indices into tensors
  std::vector<std::int64_t> outputs;  // indices into tensors
  std::vector<std::int64_t> numbers;
  std::vector<float> reals;
  std::int64_t layer = 0;  // index into layers
  bool operator==(const HostStep&) const = default;
};

// A layer as the user knows it (an ONNX node), for per-layer counters and traces.
struct Layer {
  std::string name;
  std::string kind;       // "matmul", "host" ...
  std::int64_t macs = 0;  // of the model, for the whole program (all batches)
  std::int64_t predicted_cycles = 0;
  bool operator==(const Layer&) const = default;
};

// Where a text had the instructions; says nothing about the program itself, so all are equal.
struct SourceLines {
  std::string file;
  std::vector<std::int64_t> lines;  // by instruction, from 1; empty if it did not come from text
  bool operator==(const SourceLines&) const { return true; }
};

struct Program {
  std::string model;         // name for reports
  std::string model_hash;    // hex, of the model file's bytes; empty for inline shapes
  Machine machine;           // the machine compiled for; its shape parameters are requirements
  std::int64_t batch = 1;    // rows of one batch
  std::int64_t batches = 1;  // batches the program computes
  bool has_values = true;    // false: compiled for timing only, weights are absent
  std::vector<Insn> code;
  std::vector<std::uint8_t>
      weights;                    // weight memory image, from DRAM address 0; empty if !has_values
  std::int64_t weight_bytes = 0;  // size of the image, also when it is absent
  std::vector<std::uint8_t> constants;  // biases, scales, tables: host memory [0, constants.size())
  std::int64_t host_bytes = 0;          // size of host memory
  std::vector<HostTensor> tensors;
  std::vector<HostStep> host_steps;  // ordered by stage
  std::vector<Layer> layers;         // layer 0 is always "(none)"
  SourceLines source;                // not in the file
  bool operator==(const Program&) const = default;
};

// --- container (.tpu): magic, version, sections with lengths, CRC-32 at the end ---
[[nodiscard]] std::vector<std::uint8_t> save_program(const Program& program);
// Throws InputError naming `where`: not a program, other version, truncated, checksum, any bound.
[[nodiscard]] Program load_program(std::span<const std::uint8_t> bytes, const std::string& where);

// --- codec: opcode byte, then the operands, least significant bit first, padded to bytes ---
void encode(const Insn& insn, std::vector<std::uint8_t>& out);
// Decodes one instruction at `offset` and advances it. Throws InputError naming where and offset.
[[nodiscard]] Insn decode(std::span<const std::uint8_t> bytes, std::size_t& offset,
                          const std::string& where);
[[nodiscard]] std::int64_t encoded_bytes(const Insn& insn);

// --- text: one instruction a line, "mnemonic name=value, ...", # starts a comment ---
// The text form holds the whole program; docs/formats.md describes it.
[[nodiscard]] std::string disassemble(const Insn& insn);
[[nodiscard]] std::string disassemble(const Program& program);
[[nodiscard]] Insn assemble_line(const std::string& line, const std::string& where);
[[nodiscard]] Program assemble(const std::string& text, const std::string& where);

// Bytes of the device's memory that a program may address: its weight image, or all of it where the
// device writes it.
[[nodiscard]] std::int64_t memory_bytes(const Program& program, const Machine& machine);
// Whether races are looked for in a space (spaces.def).
[[nodiscard]] bool is_tracked(Space space, const Machine& machine);

}  // namespace systole::isa
