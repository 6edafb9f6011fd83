// From a command line to what compare and measure work on: a model at any batch size, its inputs
// and labels.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/model_options.h"
#include "compare/targets/workload.h"

namespace systole::cli {

struct SourceOptions {
  std::string model, labels, batches;
  std::vector<std::string> inputs, precisions, calibrate;
  ShapeOptions shapes;
};
void add_source_options(Command app, SourceOptions& options);

// A model that a command asked for, ready to be loaded at any batch size.
class ModelSource {
 public:
  // Finds the model (a file, an inline shape, a file of models/ or a network by its name) and
  // quantises it if samples were given. Throws InputError.
  explicit ModelSource(const SourceOptions& options);
  ~ModelSource();
  ModelSource(const ModelSource&) = delete;
  ModelSource& operator=(const ModelSource&) = delete;

  // Lives no longer than this.
  [[nodiscard]] compare::Source source();
  // Those asked for, ascending; else the model's own, or 1, 16 and 256 where it takes any.
  [[nodiscard]] std::vector<std::int64_t> batches() const;
  // The model's ONNX files, empty if there are none.
  [[nodiscard]] std::string integer_file() const;
  [[nodiscard]] std::string float_file() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "1,8,64" or "1..1024" (powers of two between the two ends), ascending, each once. Throws
// InputError naming the option.
[[nodiscard]] std::vector<std::int64_t> batch_list(const std::string& text);

}  // namespace systole::cli
