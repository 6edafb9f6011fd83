// protobuf's own compiler reads the schema, and its library messages that are known only then.
#include "tests/support/perfetto_reader.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/source.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::testing_support {
namespace {

namespace pb = google::protobuf;
using Json = nlohmann::json;

// The schema, as protoc (package protobuf-compiler) understands it.
pb::FileDescriptorProto schema(std::vector<std::string>& faults) {
  const ScratchFolder folder;
  const Finished protoc = shell("protoc --proto_path=" + source_path("tests/traces/schema") +
                                    " --descriptor_set_out=set perfetto_trace.proto",
                                folder.file(""));
  pb::FileDescriptorSet set;
  if (protoc.code != 0 || !set.ParseFromString(text_of(folder.file("set")))) {
    faults.push_back("protoc: " + protoc.err);
    return {};
  }
  return set.file(0);
}

void find_unknown(const pb::Message& message, std::vector<std::string>& faults) {
  const pb::Reflection& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) {
    faults.push_back("unknown field in " + message.GetDescriptor()->full_name());
  }
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      find_unknown(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                        : reflection.GetMessage(message, field),
                   faults);
    }
  }
}

// The trace as JSON, with the schema's names of fields; 64-bit numbers are strings there.
Json to_json(const std::string& bytes, std::vector<std::string>& faults) {
  pb::DescriptorPool pool;
  const pb::FileDescriptor* file = pool.BuildFile(schema(faults));
  if (file == nullptr || file->message_type_count() == 0) return Json::object();
  pb::DynamicMessageFactory factory;
  const std::unique_ptr<pb::Message> trace(
      factory.GetPrototype(file->FindMessageTypeByName("Trace"))->New());
  if (!trace->ParseFromString(bytes)) faults.emplace_back("no Trace");
  find_unknown(*trace, faults);
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = pb::util::MessageToJsonString(*trace, &text, options);
  if (!status.ok()) faults.push_back(status.ToString());
  return Json::parse(text);
}

std::int64_t number(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return 0;
  return found->is_string() ? std::stoll(found->get<std::string>()) : found->get<std::int64_t>();
}

std::string text_of_base64(const std::string& text) {
  static const std::string kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string::npos) break;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) bytes.push_back(static_cast<char>(bits >> (count -= 8)));
  }
  return bytes;
}

class Reader {
 public:
  explicit Reader(PerfettoContent& content) : content_(content) {}

  void packet(const Json& packet) {
    if (const auto data = packet.find("interned_data"); data != packet.end()) learn(*data);
    if (const auto track = packet.find("track_descriptor"); track != packet.end()) add(*track);
    if (const auto event = packet.find("track_event"); event != packet.end()) {
      if (!packet.contains("timestamp")) content_.faults.emplace_back("an event without a time");
      add(*event, number(packet, "timestamp"));
    }
  }

 private:
  void learn(const Json& data) {
    for (const auto& [kind, entries] : data.items()) {
      for (const Json& entry : entries) {
        const std::string word = entry.contains("str") ? text_of_base64(entry["str"])
                                                       : entry.at("name").get<std::string>();
        if (!words_[kind].emplace(number(entry, "iid"), word).second) {
          content_.faults.push_back("interned twice: " + word);
        }
      }
    }
  }
  std::string word(const std::string& kind, std::int64_t iid) {
    const auto found = words_[kind].find(iid);
    if (found != words_[kind].end()) return found->second;
    content_.faults.push_back(fmt::format("{} {} is not interned yet", kind, iid));
    return {};
  }
  void add(const Json& json) {
    PerfettoTrack track{.name = json.value("name", ""), .process = {}, .unit = {}};
    if (json.contains("process")) track.process = json["process"].value("process_name", "");
    track.parent = static_cast<std::uint64_t>(number(json, "parent_uuid"));
    track.rank = json.value("sibling_order_rank", 0);
    track.is_counter = json.contains("counter");
    if (track.is_counter) {
      track.unit = json["counter"].value("unit_name", json["counter"].value("unit", ""));
    }
    const auto uuid = static_cast<std::uint64_t>(number(json, "uuid"));
    if (track.process.empty() && !content_.tracks.contains(track.parent)) {
      content_.faults.push_back("no parent of " + track.name);
    }
    if (!content_.tracks.emplace(uuid, track).second) {
      content_.faults.push_back("two tracks of one number: " + track.name);
    }
  }
  void add(const Json& json, std::int64_t at) {
    PerfettoEvent event;
    event.at = at;
    event.type = json.at("type").get<std::string>().substr(std::string("TYPE_").size());
    if (event.type.starts_with("SLICE_")) event.type = event.type.substr(6);
    event.track = static_cast<std::uint64_t>(number(json, "track_uuid"));
    if (!content_.tracks.contains(event.track)) content_.faults.emplace_back("no such track");
    if (json.contains("name_iid")) event.name = word("event_names", number(json, "name_iid"));
    for (const Json& iid : json.value("category_iids", Json::array())) {
      event.category = word("event_categories", std::stoll(iid.get<std::string>()));
    }
    for (const Json& argument : json.value("debug_annotations", Json::array())) {
      const std::string name = word("debug_annotation_names", number(argument, "name_iid"));
      if (argument.contains("int_value")) event.numbers[name] = number(argument, "int_value");
      if (argument.contains("string_value_iid")) {
        event.texts[name] =
            word("debug_annotation_string_values", number(argument, "string_value_iid"));
      }
    }
    for (const Json& id : json.value("flow_ids", Json::array())) {
      event.flows_out.push_back(std::stoull(id.get<std::string>()));
    }
    for (const Json& id : json.value("terminating_flow_ids", Json::array())) {
      event.flows_in.push_back(std::stoull(id.get<std::string>()));
    }
    event.value = json.value("double_counter_value", 0.0);
    if (json.contains("counter_value")) {
      event.value = static_cast<double>(number(json, "counter_value"));
    }
    content_.events.push_back(event);
  }

  PerfettoContent& content_;
  std::map<std::string, std::map<std::int64_t, std::string>> words_;
};

// Every begin has its end in its track.
void check_balance(PerfettoContent& content) {
  std::map<std::uint64_t, int> depth;
  for (const PerfettoEvent& event : content.events) {
    if (event.type == "BEGIN") ++depth[event.track];
    if (event.type == "END" && --depth[event.track] < 0) {
      content.faults.push_back(fmt::format("an end at {} of nothing", event.at));
    }
  }
  for (const auto& [track, open] : depth) {
    if (open != 0)
      content.faults.push_back(content.tracks[track].name + " has a slice without end");
  }
}

}  // namespace

std::vector<PerfettoSlice> PerfettoContent::slices(const std::string& track) const {
  std::vector<PerfettoSlice> all;
  std::map<std::uint64_t, std::vector<std::size_t>> open;  // by track
  for (const PerfettoEvent& event : events) {
    if (tracks.at(event.track).name != track) continue;
    auto& stack = open[event.track];
    if (event.type == "BEGIN") {
      PerfettoSlice slice{.begin = event};
      for (const std::size_t at : stack) slice.around.push_back(all[at].begin.name);
      stack.push_back(all.size());
      all.push_back(slice);
    } else if (event.type == "END" && !stack.empty()) {
      all[stack.back()].end = event.at;
      stack.pop_back();
    }
  }
  return all;
}

std::vector<std::string> PerfettoContent::levels(const std::string& track) const {
  std::vector<std::string> all;
  for (const PerfettoEvent& event : events) {
    if (tracks.at(event.track).name != track) continue;
    all.push_back(fmt::format("{}={}", event.at, event.value));
  }
  return all;
}

PerfettoContent read_perfetto(const std::string& bytes) {
  PerfettoContent content;
  const Json trace = to_json(bytes, content.faults);
  Reader reader(content);
  for (const Json& packet : trace.value("packet", Json::array())) reader.packet(packet);
  std::ranges::stable_sort(content.events, {}, &PerfettoEvent::at);
  check_balance(content);
  return content;
}

}  // namespace systole::testing_support
