// Tensor files: what is written is read back, and damaged files are errors, never crashes.
#include "formats/tensor_files.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <functional>
#include <random>

#include "base/files.h"
#include "tests/support/scratch.h"

namespace systole::formats {
namespace {

using testing_support::ScratchFolder;
using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// An IDX file of bytes 0, 1, 2 ... with these extents.
Bytes idx_file(const std::vector<std::uint8_t>& extents) {
  Bytes bytes = {0, 0, 0x08, static_cast<std::uint8_t>(extents.size())};
  std::size_t count = 1;
  for (const std::uint8_t extent : extents) {
    bytes.insert(bytes.end(), {0, 0, 0, extent});
    count *= extent;
  }
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}

Bytes npy_with_header(const std::string& dictionary, std::size_t data_bytes) {
  Bytes bytes = bytes_of("\x93NUMPY");
  bytes.insert(bytes.end(), {1, 0, static_cast<std::uint8_t>(dictionary.size()), 0});
  bytes.insert(bytes.end(), dictionary.begin(), dictionary.end());
  bytes.resize(bytes.size() + data_bytes);
  return bytes;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Npy, EveryTypeAndRankReadsBack) {
  for (const DType type :
       {DType::kFloat32, DType::kUint8, DType::kInt8, DType::kUint16, DType::kInt16, DType::kInt32,
        DType::kInt64, DType::kBool, DType::kFloat64}) {
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{0, 4}, Shape{1, 2, 3, 4}}) {
      Tensor tensor(type, shape);
      for (std::size_t i = 0; i < tensor.data.size(); ++i) {
        tensor.data[i] = static_cast<std::uint8_t>(type == DType::kBool ? i % 2 : i);
      }
      const Bytes file = npy_bytes(tensor);
      const Tensor back = parse_npy(file, "t.npy");
      EXPECT_EQ(back.type, tensor.type);
      EXPECT_EQ(back.shape, tensor.shape);
      EXPECT_EQ(back.data, tensor.data);
      EXPECT_EQ((file.size() - tensor.data.size()) % 64, 0U);  // NEP 1: elements are aligned
    }
  }
}

TEST(Npy, ReadsWhatNumpyWrites) {
  // numpy 1.24: numpy.save of numpy.array([[1, 2, 3]], dtype="int16")
  std::string text = "{'descr': '<i2', 'fortran_order': False, 'shape': (1, 3), }";
  text.resize(117, ' ');
  Bytes bytes = npy_with_header(text + "\n", 0);
  bytes.insert(bytes.end(), {1, 0, 2, 0, 3, 0});
  const Tensor tensor = parse_npy(bytes, "t.npy");
  EXPECT_EQ(tensor.shape, (Shape{1, 3}));
  EXPECT_THAT(tensor.as<std::int16_t>(), testing::ElementsAre(1, 2, 3));
}

TEST(Npy, BadFilesAreNamedErrors) {
  const auto error = [](const std::string& dictionary, std::size_t data) {
    return message_of(
        [&] { static_cast<void>(parse_npy(npy_with_header(dictionary, data), "t.npy")); });
  };
  const std::string c_order = "'fortran_order': False, ";
  EXPECT_THAT(error("{'descr': '<f4', " + c_order + "'shape': (2,), }", 7),
              testing::HasSubstr("holds 7 bytes of elements; expected 8 bytes"));
  EXPECT_THAT(error("{'descr': '<f4', " + c_order + "'shape': (2,), }", 9),
              testing::HasSubstr("9"));
  EXPECT_THAT(error("{'descr': '>f4', " + c_order + "'shape': (2,), }", 8),
              testing::HasSubstr("element type '>f4'"));
  EXPECT_THAT(error("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", 8),
              testing::HasSubstr("Fortran order"));
  EXPECT_THAT(error("{'descr': '<f4', " + c_order + "}", 8), testing::HasSubstr("'shape':"));
  EXPECT_THAT(error("{'descr': '<f4', " + c_order + "'shape': (x,)}", 8),
              testing::HasSubstr("shape"));
  EXPECT_THAT(error("{'descr': '<f4', " + c_order + "'shape': (-1,)}", 8),
              testing::HasSubstr("t.npy"));
  EXPECT_THAT(error("{'descr': '<f4', " + c_order + "'shape': (4294967296, 4294967296)}", 8),
              testing::HasSubstr("t.npy"));  // never allocated
}

TEST(Idx, BytesAndBigEndianWords) {
  const Tensor bytes = parse_idx(idx_file({2, 3}), "t");
  EXPECT_EQ(bytes.shape, (Shape{2, 3}));
  EXPECT_THAT(bytes.as<std::uint8_t>(), testing::ElementsAre(0, 1, 2, 3, 4, 5));
  const Bytes words = {0, 0, 0x0C, 1, 0, 0, 0, 2, 0, 0, 1, 2, 0xFF, 0xFF, 0xFF, 0xFE};
  EXPECT_THAT(parse_idx(words, "t").as<std::int32_t>(), testing::ElementsAre(258, -2));
}

TEST(Idx, BadFilesAreErrors) {
  const Bytes good = idx_file({2, 3});
  for (std::size_t size = 0; size < good.size(); ++size) {
    const Bytes part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(static_cast<void>(parse_idx(part, "t")), InputError) << size;
  }
  const Bytes huge = {0, 0, 0x08, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1};
  EXPECT_THROW(static_cast<void>(parse_idx(huge, "t")), InputError);
}

TEST(TensorProto, RawAndTypedFields) {
  onnx::TensorProto raw;
  raw.set_data_type(onnx::TensorProto::FLOAT);
  raw.add_dims(2);
  raw.set_raw_data(std::string("\0\0\x80\x3f\0\0\0\x40", 8));
  EXPECT_THAT(parse_tensor_proto(bytes_of(raw.SerializeAsString()), "t").as<float>(),
              testing::ElementsAre(1.0F, 2.0F));
  onnx::TensorProto typed;
  typed.set_data_type(onnx::TensorProto::INT8);
  typed.add_dims(2);
  typed.add_int32_data(-128);
  typed.add_int32_data(127);
  EXPECT_THAT(parse_tensor_proto(bytes_of(typed.SerializeAsString()), "t").as<std::int8_t>(),
              testing::ElementsAre(-128, 127));
  typed.set_int32_data(0, 128);  // does not fit
  EXPECT_THAT(message_of([&] {
                static_cast<void>(parse_tensor_proto(bytes_of(typed.SerializeAsString()), "t"));
              }),
              testing::HasSubstr("element 0 is 128"));
  typed.add_dims(1'000'000'000);  // says far more than it holds
  EXPECT_THROW(static_cast<void>(parse_tensor_proto(bytes_of(typed.SerializeAsString()), "t")),
               InputError);
}

TEST(TensorFiles, KindIsToldByContent) {
  const ScratchFolder folder;
  write_file(folder.file("anything"), npy_bytes(Tensor(DType::kInt8, {3})));
  EXPECT_EQ(read_tensor_file(folder.file("anything")).shape, (Shape{3}));
  write_file(folder.file("idx"), idx_file({4}));
  EXPECT_EQ(read_tensor_file(folder.file("idx")).shape, (Shape{4}));
  write_file(folder.file("text"), std::string("hello"));
  EXPECT_THAT(message_of([&] { static_cast<void>(read_tensor_file(folder.file("text"))); }),
              testing::HasSubstr("is not a tensor file; expected a .npy, IDX"));
  EXPECT_THROW(static_cast<void>(read_tensor_file(folder.file("missing"))), InputError);
}

// Flipped bytes and cut ends of good files: a tensor of the right size, or an InputError.
TEST(TensorFiles, DamageNeverCrashes) {
  using Parser = Tensor (*)(std::span<const std::uint8_t>, const std::string&);
  onnx::TensorProto proto;
  proto.set_data_type(onnx::TensorProto::INT32);
  proto.add_dims(6);
  for (int i = 0; i < 6; ++i) proto.add_int32_data(i);
  const std::vector<std::pair<Parser, Bytes>> cases = {
      {parse_npy, npy_bytes(Tensor(DType::kFloat32, {2, 3}))},
      {parse_idx, idx_file({2, 3})},
      {parse_tensor_proto, bytes_of(proto.SerializeAsString())}};
  std::mt19937_64 random(7);
  for (const auto& [parse, good] : cases) {
    for (int round = 0; round < 20'000; ++round) {
      Bytes bytes = good;
      for (std::uint64_t flips = random() % 4; flips > 0; --flips) {
        bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
      }
      if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
      try {
        const Tensor tensor = parse(bytes, "t");
        EXPECT_EQ(tensor.bytes(), tensor.count() * dtype_bytes(tensor.type));
      } catch (const InputError&) {
        continue;
      }
    }
  }
}

}  // namespace
}  // namespace systole::formats
