// Where the sweep's shapes come from: a graph's products or the columns of a file.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <sstream>
#include <tuple>

#include "base/clean.h"
#include "compare/model/work.h"
#include "compare/targets/gpu/measure.h"

namespace systole::compare::gpu {
namespace {

using Product = Measurer::Product;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) {
    const auto first = cell.find_first_not_of(" \t\r");
    const auto last = cell.find_last_not_of(" \t\r");
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
  }
  return cells;
}

std::int64_t number(const std::string& cell, const std::string& where) {
  std::int64_t value = 0;
  const char* end = cell.data() + cell.size();
  const auto [next, error] = std::from_chars(cell.data(), end, value);
  if (error != std::errc() || next != end || value < 1) {
    throw InputError(where, fmt::format("'{}'", cell), "a whole number from 1");
  }
  return value;
}

// Which columns hold m, k and n.
std::array<std::size_t, 3> columns_of(const std::vector<std::string>& header,
                                      const std::string& where) {
  constexpr std::array<const char*, 3> kNames = {"m", "k", "n"};
  std::array<std::size_t, 3> columns{};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto found = std::ranges::find(header, kNames[i]);
    if (found == header.end()) {
      throw InputError(where, fmt::format("no column '{}'", kNames[i]), "columns m, n and k");
    }
    columns[i] = static_cast<std::size_t>(found - header.begin());
  }
  return columns;
}

}  // namespace

std::vector<Product> products_in(const std::string& text, const std::string& where) {
  std::vector<Product> products;
  std::optional<std::array<std::size_t, 3>> columns;
  std::istringstream lines(text);
  int line_number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string::npos || line.starts_with('#')) continue;
    const std::string here = fmt::format("{}:{}", where, line_number);
    const std::vector<std::string> cells = cells_of(line);
    if (!columns) {
      columns = columns_of(cells, here);
      continue;
    }
    if (cells.size() <= *std::ranges::max_element(*columns)) {
      throw InputError(here, fmt::format("{} columns", cells.size()),
                       "as many as in the first line");
    }
    const auto& [m, k, n] = *columns;
    products.push_back({number(cells[m], here), number(cells[k], here), number(cells[n], here)});
  }
  if (products.empty()) throw InputError(where, "no shape", "a line of names and lines of numbers");
  return products;
}

std::vector<Product> products_of(const compiler::Graph& graph) {
  std::vector<Product> products;
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t>> seen;
  for (const LayerWork& layer : model_work(graph).layers) {
    if (layer.m == 0 || layer.count != 1) continue;
    if (seen.emplace(layer.m, layer.k, layer.n).second) {
      products.push_back({layer.m, layer.k, layer.n});
    }
  }
  if (products.empty())
    throw InputError(graph.name, "has no matrix product", "a layer with weights");
  return products;
}

std::string products_csv(const std::vector<Measurement>& measurements, const std::string& comment) {
  std::string text = fmt::format("# {}\nm,n,k,tflops\n", clean(comment));
  for (const Measurement& m : measurements) {
    const Product p = products_in("m,k,n\n" + m.model.substr(m.model.find(':') + 1), m.model)[0];
    const double operations =
        2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
    text += fmt::format("{},{},{},{:.1f}\n", p.m, p.n, p.k,
                        operations / m.device_only().median * 1e-12);
  }
  return text;
}

}  // namespace systole::compare::gpu
