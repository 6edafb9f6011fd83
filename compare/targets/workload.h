// A workload: one model at one batch size, in integers and in floats, with inputs and what the
// reference evaluator says should come out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "compare/comparison/measurement.h"
#include "compare/model/work.h"
#include "compare/targets/cpu/cpu_onednn.h"
#include "compiler/ir/graph.h"

namespace systole::compare {

// A model as loaded for one batch size.
struct Models {
  std::optional<compiler::Graph> integer;   // QDQ, QLinear or inline
  std::optional<compiler::Graph> floating;  // the float model, if that is what was given
};

// Where models and inputs come from.
struct Source {
  std::function<Models(std::int64_t batch)> load;
  // Whole batches of each of the graph's inputs, as many rows as there are at hand.
  std::function<std::vector<Tensor>(const compiler::Graph& graph)> inputs;
  std::vector<std::int64_t> labels = {};  // class of each row, or empty
  std::string file = {};                  // what errors call the model
};

class Workload {
 public:
  // Throws InputError: the model does not load, or its inputs do not fit. Without a float model the
  // floats are the integers' twin (float_twin.h), or absent if it has none.
  Workload(const Source& source, std::int64_t batch);

  [[nodiscard]] std::int64_t batch() const { return work_.batch; }
  [[nodiscard]] const ModelWork& work() const { return work_; }
  // As loaded, for the compiler: integers if there are any, else floats (timing only).
  [[nodiscard]] const compiler::Graph& loaded() const;
  [[nodiscard]] bool has_integers() const { return fused_.has_value(); }
  // True if a float model was given, so that fp32 accuracy means something.
  [[nodiscard]] bool has_float_model() const { return float_model_; }

  // The graph that computes in `precision` (int8, or floats for every other), null if there is
  // none.
  [[nodiscard]] const compiler::Graph* graph(const std::string& precision) const;
  [[nodiscard]] std::int64_t input_batches() const { return input_batches_; }
  // Bytes of the i-th batch (modulo their number) of a graph's inputs.
  [[nodiscard]] ByteSpans input_bytes(const std::string& precision, std::int64_t i) const;
  [[nodiscard]] std::vector<Tensor> input_tensors(const std::string& precision,
                                                  std::int64_t i) const;
  // All batches, by name of the inputs of the graph that computes in `precision`.
  [[nodiscard]] std::map<std::string, Tensor> all_inputs(const std::string& precision) const;

  // Whether the reference evaluator can check a batch in a few seconds.
  [[nodiscard]] bool can_check() const;
  // What it says of `value` for the first batch; kept for the next call.
  [[nodiscard]] const Tensor& expected(const std::string& precision, compiler::ValueId value);
  // What it says of `value` for the first row of the first batch, where a batch takes it too long;
  // kept too. Nothing if a row takes it too long, or if the model's rows are not independent
  // samples (at batch 1 a shape differs in more than its first dimension).
  [[nodiscard]] const std::optional<Tensor>& expected_of_first_row(const std::string& precision,
                                                                   compiler::ValueId value);

  [[nodiscard]] std::span<const std::int64_t> labels() const { return labels_; }
  [[nodiscard]] const std::string& file() const { return source_.file; }

 private:
  [[nodiscard]] const std::vector<Tensor>& inputs(const std::string& precision) const;
  void set_inputs(const Source& source);
  [[nodiscard]] std::optional<Tensor> first_row(const std::string& precision,
                                                compiler::ValueId value) const;

  Source source_;
  Models models_;
  std::optional<compiler::Graph> fused_;
  bool float_model_ = false;
  std::vector<std::optional<compiler::Quant>> twin_inputs_;
  std::vector<Tensor> inputs_, float_inputs_;
  std::int64_t input_batches_ = 1;
  std::vector<std::int64_t> labels_;
  ModelWork work_;
  std::map<std::pair<bool, compiler::ValueId>, Tensor> expected_;
  std::map<std::pair<bool, compiler::ValueId>, std::optional<Tensor>> expected_rows_;
};

// Rows of `outputs` whose largest element (the first of equals) stands at the label.
[[nodiscard]] std::int64_t count_right(const Tensor& outputs, std::span<const std::int64_t> labels);

}  // namespace systole::compare
