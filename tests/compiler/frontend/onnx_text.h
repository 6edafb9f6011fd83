// ONNX text models for tests: written to a scratch file, then loaded like a user's.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/files.h"
#include "compiler/load.h"
#include "tests/support/scratch.h"

namespace systole::compiler {

class OnnxText : public ::testing::Test {
 protected:
  // A model with this opset, inputs, outputs and body (nodes; initialisers follow in < >).
  static std::string model(int opset, const std::string& signature, const std::string& body) {
    return "<ir_version: 7, opset_import: [\"\" : " + std::to_string(opset) + "]>\ntest " +
           signature + "\n{\n" + body + "\n}\n";
  }

  Graph load(const std::string& text, const LoadOptions& options = {}) {
    const std::string path = scratch_.file("model.onnxtxt");
    write_file(path, text);
    return load_model(path, options);
  }

  // The error that loading gives; empty if it loads.
  std::string error(const std::string& text, const LoadOptions& options = {}) {
    try {
      static_cast<void>(load(text, options));
      return {};
    } catch (const InputError& e) {
      return e.what();
    }
  }

  // The first output for these float inputs.
  Tensor run(const std::string& text, const std::vector<Tensor>& inputs) {
    return evaluate(load(text), inputs).at(0);
  }

  static Tensor floats(Shape shape, const std::vector<float>& values) {
    return make_tensor<float>(std::move(shape), values);
  }
  template <typename T>
  static std::vector<T> list(const Tensor& t) {
    return {t.as<T>().begin(), t.as<T>().end()};
  }

  testing_support::ScratchFolder scratch_;
};

}  // namespace systole::compiler
