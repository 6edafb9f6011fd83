// See layers.h.
#include "compare/comparison/layers.h"

#include <map>

#include "compare/model/device_model.h"

namespace systole::compare {
namespace {

// A model's layers by name, each handed out once.
class ByName {
 public:
  explicit ByName(const ModelWork& work) {
    for (const LayerWork& layer : work.layers) layers_[layer.name].push_back(&layer);
  }
  [[nodiscard]] const LayerWork* next(const std::string& name) {
    const auto found = layers_.find(name);
    if (found == layers_.end()) return nullptr;
    std::size_t& at = taken_[name];
    return at < found->second.size() ? found->second[at++] : nullptr;
  }

 private:
  std::map<std::string, std::vector<const LayerWork*>> layers_;
  std::map<std::string, std::size_t> taken_;
};

// Operations as ModelWork counts them: of a model `without_products` the elements that it makes.
void set_layer(const Series& series, const LayerWork& work, bool without_products,
               PointLayer& layer) {
  layer.op = work.op;
  layer.operations = static_cast<double>(without_products ? work.outputs : 2 * work.macs());
  // A simulated machine's activations stay in its unified buffer.
  const std::int64_t elements =
      series.kind == kSimulated ? work.weights : work.inputs + work.weights + work.outputs;
  layer.bytes = static_cast<double>(elements) * precision_bytes(series.precision);
}

}  // namespace

void set_layers(Comparison& comparison) {
  for (Series& series : comparison.series) {
    for (Point& point : series.points) {
      const auto work = comparison.work.find(point.batch);
      if (work == comparison.work.end()) continue;
      ByName layers(work->second);
      const bool without_products = work->second.macs() == 0;
      for (PointLayer& layer : point.layers) {
        const LayerWork* known = layers.next(layer.name);
        if (known != nullptr) set_layer(series, *known, without_products, layer);
      }
    }
  }
}

}  // namespace systole::compare
