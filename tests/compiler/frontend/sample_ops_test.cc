// GridSample, RoiAlign, Resize and ReverseSequence: places between pixels, beyond the edges, and
// errors.
#include <gmock/gmock-matchers.h>

#include "compiler/ir/graph.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::Pointwise;

class SampleOps : public OnnxText {
 protected:
  static std::string text_of(int opset, const std::string& constants, const std::string& body) {
    return model(opset, "(float[1,1,2,4] x) => (float[A] y) <" + constants + ">", body);
  }
  // Of the rows 0 1 2 3 and 4 5 6 7.
  std::vector<float> y_of(int opset, const std::string& constants, const std::string& body) {
    return list<float>(
        run(text_of(opset, constants, body), {floats({1, 1, 2, 4}, {0, 1, 2, 3, 4, 5, 6, 7})}));
  }
};

TEST_F(SampleOps, AGridHoldsPlacesFromMinusOneToOne) {
  // The middle; the middle of the first pixel; its upper left corner; far outside.
  const std::string grid = "float[1,1,4,2] g = {0.0, 0.0, -0.75, -0.5, -1.0, -1.0, 9.0, 0.0}";
  EXPECT_THAT(y_of(16, grid, "y = GridSample(x, g)"), ElementsAre(3.5F, 0, 0, 0));
  EXPECT_THAT(y_of(16, grid, "y = GridSample<padding_mode = \"border\">(x, g)"),
              ElementsAre(3.5F, 0, 0, 5));
  EXPECT_THAT(y_of(16, grid, "y = GridSample<align_corners = 1>(x, g)"),
              ElementsAre(3.5F, 0.375F + 1, 0, 0));
  EXPECT_THAT(
      y_of(16, grid, "y = GridSample<mode = \"nearest\", padding_mode = \"reflection\">(x, g)"),
      ElementsAre(2, 0, 0, 3));
  EXPECT_THAT(y_of(20, "float[1,1,1,2] g = {0.0, -0.5}", "y = GridSample<mode = \"cubic\">(x, g)"),
              Pointwise(FloatEq(), {1.5F}));
  EXPECT_THAT(error(text_of(16, "float[2] g = {0.0, 0.0}", "y = GridSample(x, g)")),
              HasSubstr("grid is float32 [2]; expected float32 [1, H, W, 2]"));
}

TEST_F(SampleOps, ARegionIsTheMeanOfItsSamples) {
  const std::string roi = "float[1,4] r = {0.0, 0.0, 2.0, 2.0}, int64[1] b = {0}";
  EXPECT_THAT(y_of(10, roi,
                   "y = RoiAlign<output_height = 1, output_width = 2, sampling_ratio = 1>"
                   "(x, r, b)"),
              ElementsAre(4.5F, 5.5F));
  EXPECT_THAT(y_of(16, roi,
                   "y = RoiAlign<output_height = 1, output_width = 2, sampling_ratio = 1>"
                   "(x, r, b)"),
              ElementsAre(2, 3));
  EXPECT_THAT(error(text_of(16, "float[1,4] r = {0.0, 0.0, 2.0, 2.0}, int64[1] b = {1}",
                            "y = RoiAlign(x, r, b)")),
              HasSubstr("batch index 1; expected 0 to 0"));
}

TEST_F(SampleOps, AResizeMayCropKeepTheRatioOrBlur) {
  const std::string crop =
      "float[8] roi = {0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0}, float[0] none = {}, "
      "int64[4] s = {1, 1, 2, 4}";
  EXPECT_THAT(y_of(13, crop,
                   "y = Resize<mode = \"linear\", coordinate_transformation_mode = "
                   "\"tf_crop_and_resize\", extrapolation_value = 9.0>(x, roi, none, s)"),
              ElementsAre(0, 2, 9, 9, 4, 6, 9, 9));
  const std::string sizes = "int64[2] s = {4, 4}";
  EXPECT_EQ(run(text_of(18, sizes,
                        "y = Resize<axes = [2, 3], keep_aspect_ratio_policy = "
                        "\"not_larger\">(x, , , s)"),
                {floats({1, 1, 2, 4}, {0, 1, 2, 3, 4, 5, 6, 7})})
                .shape,
            (Shape{1, 1, 2, 4}));
  EXPECT_EQ(run(text_of(18, sizes,
                        "y = Resize<axes = [2, 3], keep_aspect_ratio_policy = "
                        "\"not_smaller\">(x, , , s)"),
                {floats({1, 1, 2, 4}, {0, 1, 2, 3, 4, 5, 6, 7})})
                .shape,
            (Shape{1, 1, 4, 8}));
  // Places 0.5 and 2.5; weights 1 - distance / 2 of the pixels -1 ... 2 and 1 ... 4, edges
  // repeated.
  EXPECT_THAT(y_of(18, "float[4] f = {1.0, 1.0, 1.0, 0.5}",
                   "y = Resize<mode = \"linear\", antialias = 1>(x, , f)"),
              Pointwise(FloatEq(), {0.625F, 2.375F, 4.625F, 6.375F}));
}

TEST_F(SampleOps, ASequenceIsReversedAsFarAsItGoes) {
  EXPECT_THAT(
      y_of(10, "int64[2] n = {3, 1}", "y = ReverseSequence<batch_axis = 2, time_axis = 3>(x, n)"),
      ElementsAre(2, 1, 0, 3, 4, 5, 6, 7));
}

}  // namespace
}  // namespace systole::compiler
