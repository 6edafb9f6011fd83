// Shapes of inputs and outputs: what an error asks for must be possible, and what is odd is noted.
#include "compiler/frontend/onnx_inputs.h"

#include <gmock/gmock-more-matchers.h>

#include "compiler/load.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OnnxInputs : public OnnxText {
 protected:
  static std::string relu(const std::string& in, const std::string& out) {
    return model(13, "(" + in + " x) => (" + out + " y)", "y = Relu(x)");
  }
  static LoadOptions with_batch(std::int64_t rows) {
    LoadOptions options;
    options.batch = rows;
    return options;
  }
  static LoadOptions with_shape(const Shape& shape) {
    LoadOptions options;
    options.shapes["x"] = shape;
    return options;
  }
};

TEST_F(OnnxInputs, AShapeMakesUpForAnOpenRank) {
  EXPECT_THAT(error(relu("float[]", "float[]")),
              HasSubstr("input 'x': has no shape; expected --shape x=..."));
  const Graph graph = load(relu("float[]", "float[]"), with_shape({2, 3}));
  EXPECT_EQ(graph.value(graph.inputs[0]).shape, Shape({2, 3}));
  EXPECT_EQ(graph.value(graph.outputs[0]).shape, Shape({2, 3}));
}

TEST_F(OnnxInputs, ADimensionOfZeroIsOpenAndSaidToBe) {
  EXPECT_THAT(
      error(relu("float[1,0]", "float[]")),
      HasSubstr("input 'x': dimension 1 is 0, which is taken as open, since tensors without "
                "elements are not computed; expected --shape x=..."));
  EXPECT_EQ(error(relu("float[1,0]", "float[]"), with_shape({1, 5})), "");
}

TEST_F(OnnxInputs, ADimensionAndAShapeAgreeOrAreRefused) {
  LoadOptions options = with_shape({4, 4});
  options.dims["N"] = 3;
  const std::string text = relu("float[N,4]", "float[]");
  EXPECT_THAT(error(text, options), HasSubstr("input 'x': dimension 0 = 4; expected 3"));
  options.dims["N"] = 4;
  EXPECT_EQ(error(text, options), "");
}

TEST_F(OnnxInputs, AnOutputOfAnotherShapeThanDeclaredIsNoted) {
  EXPECT_THAT(load(relu("float[2,4]", "float[2,5]")).notes,
              ElementsAre(EndsWith(": output 'y' has shape [2, 4], where the file says [2, 5]")));
  EXPECT_THAT(load(relu("float[N,4]", "float[N,5]"), with_batch(3)).notes,
              ElementsAre(EndsWith("has shape [3, 4], where the file says [0, 5] (0: open)")));
  EXPECT_THAT(load(relu("float[2,4]", "float[8]")).notes,
              ElementsAre(EndsWith("has shape [2, 4], where the file says [8]")));
  for (const char* declared : {"float[2,4]", "float[N,M]", "float[]"}) {
    EXPECT_THAT(load(relu("float[2,4]", declared)).notes, IsEmpty()) << declared;
  }
  EXPECT_THAT(load(relu("float[2,4]", "float[2,4]"), with_batch(3)).notes, IsEmpty());
}

TEST_F(OnnxInputs, ABatchWithoutADimensionIsNoted) {
  EXPECT_THAT(load(relu("float", "float"), with_batch(3)).notes,
              ElementsAre(EndsWith(": batch 3 changes nothing, as no input has a dimension")));
  EXPECT_THAT(load(relu("float", "float")).notes, IsEmpty());
}

}  // namespace
}  // namespace systole::compiler
