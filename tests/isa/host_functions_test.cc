// The host's functions against plain loops on random shapes, and what they refuse.
#include "isa/host_functions.h"

#include <gmock/gmock-matchers.h>

#include <algorithm>
#include <random>

namespace systole::isa {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

class HostFunctions : public ::testing::Test {
 protected:
  std::int64_t draw(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }
  Shape shape(std::size_t rank) {
    Shape dims;
    for (std::size_t d = 0; d < rank; ++d) dims.push_back(draw(1, 5));
    return dims;
  }
  // Few different values, so that some are equal.
  Tensor floats(const Shape& dims) {
    Tensor t(DType::kFloat32, dims);
    for (float& v : t.as<float>()) v = static_cast<float>(draw(-4, 4));
    return t;
  }
  Tensor indices(const Shape& dims, std::int64_t extent) {
    Tensor t(DType::kInt64, dims);
    for (std::int64_t& v : t.as<std::int64_t>()) v = draw(-extent, extent - 1);
    return t;
  }

  static Tensor run(const HostFunction& f, const std::vector<Tensor>& inputs, DType type,
                    const Shape& dims) {
    std::vector<TensorKind> kinds;
    std::vector<const Tensor*> pointers;
    for (const Tensor& t : inputs) {
      kinds.push_back({t.type, t.shape});
      pointers.push_back(&t);
    }
    EXPECT_EQ(fault_of(f, kinds, {type, dims}), std::nullopt);
    return compute(f, pointers, {type, dims}, "node n");
  }
  template <typename T>
  static std::vector<T> list(const Tensor& t) {
    return {t.as<T>().begin(), t.as<T>().end()};
  }
  static Tensor of(Shape dims, const std::vector<float>& values) {
    return make_tensor<float>(std::move(dims), values);
  }
  static Tensor at_indices(Shape dims, const Ints& values) {
    return make_tensor<std::int64_t>(std::move(dims), values);
  }
  static Ints index_of(const Shape& dims, std::int64_t at) {
    Ints index(dims.size());
    for (std::size_t d = dims.size(); d-- > 0; at /= dims[d]) index[d] = at % dims[d];
    return index;
  }
  static std::size_t offset_of(const Shape& dims, const Ints& index) {
    std::int64_t at = 0;
    for (std::size_t d = 0; d < dims.size(); ++d) at = at * dims[d] + index[d];
    return static_cast<std::size_t>(at);
  }
  static std::int64_t wrapped(std::int64_t i, std::int64_t n) { return i < 0 ? i + n : i; }

  std::mt19937_64 random_{20240611};
};

TEST_F(HostFunctions, TopKOrdersALineAndTakesTheFirstOfEquals) {
  for (int round = 0; round < 50; ++round) {
    const Tensor x = floats(shape(3));
    const auto axis = static_cast<std::size_t>(draw(0, 2));
    const bool largest = draw(0, 1) == 1;
    const bool last = draw(0, 1) == 1;
    Shape dims = x.shape;
    dims[axis] = draw(0, x.shape[axis]);
    const Tensor y = run({HostFn::kTopK, {static_cast<std::int64_t>(axis), largest, last}}, {x},
                         DType::kInt64, dims);
    for (std::int64_t n = 0; n < y.count(); ++n) {
      Ints index = index_of(dims, n);
      const std::int64_t rank = index[axis];
      index[axis] = y.as<std::int64_t>()[static_cast<std::size_t>(n)];
      const float found = x.as<float>()[offset_of(x.shape, index)];
      const std::int64_t place = index[axis];
      std::int64_t before = 0;  // elements that come before it
      for (index[axis] = 0; index[axis] < x.shape[axis]; ++index[axis]) {
        const float v = x.as<float>()[offset_of(x.shape, index)];
        const bool better = largest ? v > found : v < found;
        const bool earlier = last ? index[axis] > place : index[axis] < place;
        before += better || (v == found && earlier) ? 1 : 0;
      }
      ASSERT_EQ(before, rank) << shape_text(x.shape) << " axis " << axis;
    }
  }
}

TEST_F(HostFunctions, GathersAndScattersAreOneAnothersInverse) {
  for (int round = 0; round < 50; ++round) {
    const Tensor x = floats(shape(3));
    const auto axis = static_cast<std::size_t>(draw(0, 2));
    Shape dims = x.shape;
    dims[axis] = draw(1, 4);
    const Tensor at = indices(dims, x.shape[axis]);
    const auto along = static_cast<std::int64_t>(axis);
    const Tensor y = run({HostFn::kGatherElements, {along}}, {x, at}, DType::kFloat32, dims);
    const Tensor added =
        run({HostFn::kScatterElements, {along, 1}}, {x, at, y}, DType::kFloat32, x.shape);
    std::vector<float> expected = list<float>(x);
    for (std::int64_t n = 0; n < y.count(); ++n) {
      Ints index = index_of(dims, n);
      index[axis] = wrapped(at.as<std::int64_t>()[static_cast<std::size_t>(n)], x.shape[axis]);
      const std::size_t from = offset_of(x.shape, index);
      ASSERT_EQ(y.as<float>()[static_cast<std::size_t>(n)], x.as<float>()[from]);
      expected[from] += x.as<float>()[from];
    }
    ASSERT_EQ(list<float>(added), expected);
  }
}

TEST_F(HostFunctions, GatherTakesSlices) {
  for (int round = 0; round < 50; ++round) {
    const Tensor x = floats(shape(3));
    const auto axis = static_cast<std::size_t>(draw(0, 2));
    const Tensor at = indices({2, 3}, x.shape[axis]);
    Shape dims = x.shape;
    dims[axis] = 3;
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 2);
    const Tensor y =
        run({HostFn::kGather, {static_cast<std::int64_t>(axis)}}, {x, at}, DType::kFloat32, dims);
    for (std::int64_t n = 0; n < y.count(); ++n) {
      Ints index = index_of(dims, n);
      const auto place = static_cast<std::size_t>(index[axis] * 3 + index[axis + 1]);
      index.erase(index.begin() + static_cast<std::ptrdiff_t>(axis));
      index[axis] = wrapped(at.as<std::int64_t>()[place], x.shape[axis]);
      ASSERT_EQ(y.as<float>()[static_cast<std::size_t>(n)],
                x.as<float>()[offset_of(x.shape, index)]);
    }
  }
}

TEST_F(HostFunctions, TuplesOfIndicesPickSlicesBehindSharedDimensions) {
  for (int round = 0; round < 50; ++round) {
    const Tensor x = floats(shape(4));
    const std::int64_t shared = draw(0, 2);
    const std::int64_t length = draw(1, 4 - shared);
    Shape places(x.shape.begin(), x.shape.begin() + shared);
    places.push_back(draw(1, 3));
    Shape dims = places;
    dims.insert(dims.end(), x.shape.begin() + shared + length, x.shape.end());
    places.push_back(length);
    Tensor at(DType::kInt64, places);
    for (std::int64_t n = 0; n < at.count(); ++n) {
      const std::int64_t extent = x.shape[static_cast<std::size_t>(shared + n % length)];
      at.as<std::int64_t>()[static_cast<std::size_t>(n)] = draw(-extent, extent - 1);
    }
    const Tensor y = run({HostFn::kGatherNd, {shared}}, {x, at}, DType::kFloat32, dims);
    for (std::int64_t n = 0; n < y.count(); ++n) {
      const Ints index = index_of(dims, n);
      const auto tuple = static_cast<std::ptrdiff_t>(shared + 1);
      Ints of_tuple(index.begin(), index.begin() + tuple);
      of_tuple.push_back(0);
      const std::size_t first = offset_of(places, of_tuple);
      Ints from(index.begin(), index.begin() + shared);
      for (std::int64_t i = 0; i < length; ++i)
        from.push_back(wrapped(at.as<std::int64_t>()[first + static_cast<std::size_t>(i)],
                               x.shape[static_cast<std::size_t>(shared + i)]));
      from.insert(from.end(), index.begin() + tuple, index.end());
      ASSERT_EQ(y.as<float>()[static_cast<std::size_t>(n)],
                x.as<float>()[offset_of(x.shape, from)]);
    }
  }
}

TEST_F(HostFunctions, ScattersOfTuplesCombine) {
  const Tensor x = of({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor at = at_indices({2, 1}, Ints{2, -2});
  const Tensor by = of({2, 2}, {10, 1, 2, 20});
  const auto with = [&](std::int64_t how) {
    return list<float>(run({HostFn::kScatterNd, {how}}, {x, at, by}, DType::kFloat32, {3, 2}));
  };
  EXPECT_THAT(with(0), ElementsAre(1, 2, 2, 20, 10, 1));
  EXPECT_THAT(with(1), ElementsAre(1, 2, 5, 24, 15, 7));
  EXPECT_THAT(with(2), ElementsAre(1, 2, 6, 80, 50, 6));
  EXPECT_THAT(with(3), ElementsAre(1, 2, 3, 20, 10, 6));
  EXPECT_THAT(with(4), ElementsAre(1, 2, 2, 4, 5, 1));
}

TEST_F(HostFunctions, OneHotLinesLieAlongTheNewDimension) {
  const Tensor at = at_indices({3}, Ints{1, -1, 5});  // 5 is nowhere
  const Tensor pair = of({2}, {7, 9});
  EXPECT_THAT(list<float>(run({HostFn::kOneHot, {1}}, {at, pair}, DType::kFloat32, {3, 3})),
              ElementsAre(7, 9, 7, 7, 7, 9, 7, 7, 7));
  EXPECT_THAT(list<float>(run({HostFn::kOneHot, {0}}, {at, pair}, DType::kFloat32, {2, 3})),
              ElementsAre(7, 7, 7, 9, 9, 7));
}

TEST_F(HostFunctions, RunningSumsOfEitherEndWithOrWithoutTheElement) {
  const Tensor x = of({2, 3}, {1, 2, 3, 10, 20, 30});
  const auto sums = [&](const Ints& how) {
    return list<float>(run({HostFn::kCumSum, how}, {x}, DType::kFloat32, {2, 3}));
  };
  EXPECT_THAT(sums({1, 0, 0}), ElementsAre(1, 3, 6, 10, 30, 60));
  EXPECT_THAT(sums({1, 1, 0}), ElementsAre(0, 1, 3, 0, 10, 30));
  EXPECT_THAT(sums({1, 0, 1}), ElementsAre(6, 5, 3, 60, 50, 30));
  EXPECT_THAT(sums({1, 1, 1}), ElementsAre(5, 3, 0, 50, 30, 0));
  EXPECT_THAT(sums({0, 0, 0}), ElementsAre(1, 2, 3, 11, 22, 33));
}

// Of integers the permutations' sum is exact.
TEST_F(HostFunctions, DeterminantsAreTheSumOverPermutations) {
  for (int round = 0; round < 30; ++round) {
    const std::int64_t n = draw(1, 4);
    const Tensor x = floats({2, n, n});
    const Tensor y = run({HostFn::kDet}, {x}, DType::kFloat32, {2});
    for (std::size_t m = 0; m < 2; ++m) {
      std::vector<std::size_t> order(static_cast<std::size_t>(n));
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
      double sum = 0.0;
      do {
        double product = 1.0;
        for (std::size_t i = 0; i < order.size(); ++i) {
          product *= double{x.as<float>()[(m * order.size() + i) * order.size() + order[i]]};
          for (std::size_t k = 0; k < i; ++k) product *= order[k] > order[i] ? -1.0 : 1.0;
        }
        sum += product;
      } while (std::ranges::next_permutation(order).found);
      ASSERT_NEAR(double{y.as<float>()[m]}, sum, 1e-6 * std::max(1.0, std::abs(sum)));
    }
  }
}

TEST_F(HostFunctions, SequencesTurnAroundUpToTheirLength) {
  const Tensor x = of({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor lengths = at_indices({2}, Ints{2, 3});
  EXPECT_THAT(
      list<float>(run({HostFn::kReverseSequence, {0, 1}}, {x, lengths}, DType::kFloat32, {2, 3})),
      ElementsAre(2, 1, 3, 6, 5, 4));
  const Tensor three = at_indices({3}, Ints{1, 2, 0});
  EXPECT_THAT(
      list<float>(run({HostFn::kReverseSequence, {1, 0}}, {x, three}, DType::kFloat32, {2, 3})),
      ElementsAre(1, 5, 3, 4, 2, 6));
}

TEST_F(HostFunctions, WhatIsLeftOfADataDependentResultIsMinusOne) {
  const Tensor x = of({2, 2}, {0, 5, 7, 0});
  EXPECT_THAT(list<std::int64_t>(run({HostFn::kNonZero}, {x}, DType::kInt64, {2, 3})),
              ElementsAre(0, 1, -1, 1, 0, -1));
  EXPECT_THROW(run({HostFn::kNonZero}, {x}, DType::kInt64, {2, 1}), InputError);
}

TEST_F(HostFunctions, DistinctElementsAndSlices) {
  const Tensor x = of({6}, {2, 1, 1, 3, 4, 3});
  const auto part = [&](std::int64_t sorted, std::int64_t which, std::int64_t n) {
    return list<std::int64_t>(run({HostFn::kUnique, {-1, sorted, which}}, {x}, DType::kInt64, {n}));
  };
  EXPECT_THAT(list<float>(run({HostFn::kUnique, {-1, 1, 0}}, {x}, DType::kFloat32, {4})),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(list<float>(run({HostFn::kUnique, {-1, 0, 0}}, {x}, DType::kFloat32, {4})),
              ElementsAre(2, 1, 3, 4));
  EXPECT_THAT(part(1, 1, 4), ElementsAre(1, 0, 3, 4));
  EXPECT_THAT(part(0, 1, 4), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(part(1, 2, 6), ElementsAre(1, 0, 0, 2, 3, 2));
  EXPECT_THAT(part(0, 3, 5), ElementsAre(1, 2, 2, 1, -1));
  const Tensor columns = of({2, 3}, {1, 0, 1, 2, 5, 2});
  EXPECT_THAT(list<float>(run({HostFn::kUnique, {1, 1, 0}}, {columns}, DType::kFloat32, {2, 2})),
              ElementsAre(0, 1, 5, 2));
}

// Three boxes, the second over the first by more than half, the third apart.
TEST_F(HostFunctions, BoxesThatOverlapABetterOneAreLeftOut) {
  const Tensor corners = of({1, 3, 4}, {0, 0, 1, 1, 0, 0.1F, 1, 1.1F, 0, 5, 1, 6});
  const Tensor centres = of({1, 3, 4}, {0.5F, 0.5F, 1, 1, 0.6F, 0.5F, 1, 1, 5.5F, 0.5F, 1, 1});
  const Tensor scores = of({1, 1, 3}, {0.8F, 0.9F, 0.3F});
  const auto kept = [&](const Tensor& boxes, const Ints& how, const std::vector<float>& limits) {
    return list<std::int64_t>(
        run({HostFn::kNonMaxSuppression, how, limits}, {boxes, scores}, DType::kInt64, {3, 3}));
  };
  EXPECT_THAT(kept(corners, {0, 3}, {0.5F, 0.0F}), ElementsAre(0, 0, 1, 0, 0, 2, -1, -1, -1));
  EXPECT_EQ(kept(centres, {1, 3}, {0.5F, 0.0F}), kept(corners, {0, 3}, {0.5F, 0.0F}));
  EXPECT_THAT(kept(corners, {0, 3}, {0.9F, 0.0F}), ElementsAre(0, 0, 1, 0, 0, 0, 0, 0, 2));
  EXPECT_THAT(kept(corners, {0, 1}, {0.9F, 0.0F}), ElementsAre(0, 0, 1, -1, -1, -1, -1, -1, -1));
  EXPECT_THAT(kept(corners, {0, 3}, {0.5F, 0.5F}), ElementsAre(0, 0, 1, -1, -1, -1, -1, -1, -1));
}

TEST_F(HostFunctions, ProductsOfBytesBroadcastTheirMatrices) {
  for (int round = 0; round < 30; ++round) {
    const std::int64_t m = draw(1, 4), k = draw(1, 5), n = draw(1, 4), batch = draw(1, 3);
    Tensor a(DType::kUint8, {batch, 1, m, k});
    Tensor b(DType::kInt8, {2, k, n});
    for (std::uint8_t& v : a.as<std::uint8_t>()) v = static_cast<std::uint8_t>(draw(0, 255));
    for (std::int8_t& v : b.as<std::int8_t>()) v = static_cast<std::int8_t>(draw(-128, 127));
    Tensor a_zero(DType::kUint8, {m});
    for (std::uint8_t& v : a_zero.data) v = static_cast<std::uint8_t>(draw(0, 255));
    Tensor b_zero(DType::kInt8, {});
    b_zero.as<std::int8_t>()[0] = static_cast<std::int8_t>(draw(-128, 127));
    const Shape dims = {batch, 2, m, n};
    const Tensor y = run({HostFn::kMatmulInteger}, {a, b, a_zero, b_zero}, DType::kInt32, dims);
    for (std::int64_t at = 0; at < y.count(); ++at) {
      const Ints index = index_of(dims, at);
      std::int32_t sum = 0;
      for (std::int64_t i = 0; i < k; ++i) {
        const std::size_t from_a = offset_of(a.shape, {index[0], 0, index[2], i});
        const std::size_t from_b = offset_of(b.shape, {index[1], i, index[3]});
        sum += (a.as<std::uint8_t>()[from_a] - a_zero.data[static_cast<std::size_t>(index[2])]) *
               (b.as<std::int8_t>()[from_b] - b_zero.as<std::int8_t>()[0]);
      }
      ASSERT_EQ(y.as<std::int32_t>()[static_cast<std::size_t>(at)], sum);
    }
  }
}

TEST_F(HostFunctions, AnIndexOutsideIsAnError) {
  const Tensor x = of({2}, {1, 2});
  try {
    static_cast<void>(
        run({HostFn::kGather, {0}}, {x, at_indices({1}, Ints{2})}, DType::kFloat32, {1}));
    FAIL() << "index 2 of 2";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("node n: gather: index 2; expected -2 to 1"));
  }
}

TEST_F(HostFunctions, WhatDoesNotFitIsAFault) {
  const TensorKind x{DType::kFloat32, {2, 3}};
  const TensorKind at{DType::kInt64, {2, 3}};
  EXPECT_EQ(fault_of({HostFn::kTopK, {2, 1, 0}}, {x}, at), "a dimension");
  EXPECT_EQ(fault_of({HostFn::kTopK, {1, 1, 0}}, {x}, {DType::kInt64, {2, 4}}),
            "as many as there are");
  EXPECT_EQ(fault_of({HostFn::kTopK, {1, 1}}, {x}, at), "number of attributes");
  EXPECT_EQ(fault_of({HostFn::kGather, {0}}, {x}, x), "number of inputs");
  EXPECT_EQ(fault_of({HostFn::kGather, {0}}, {x, x}, x), "indices of int32 or int64");
  EXPECT_EQ(fault_of({HostFn::kGatherElements, {0}}, {x, at}, at), "an element for each index");
  EXPECT_EQ(fault_of({HostFn::kCumSum, {0, 2, 0}}, {x}, x), "0 or 1");
  EXPECT_EQ(fault_of({HostFn::kScatterNd, {5}}, {x, at, x}, x), "a reduction of 0 to 4");
  EXPECT_EQ(fault_of({HostFn::kDet}, {x}, {DType::kFloat32, {}}), "[..., n, n]");
}

}  // namespace
}  // namespace systole::isa
