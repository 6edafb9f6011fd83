// Model names: what every command takes as MODEL, and what it says to what is none.
#pragma once

#include <string>

#include "cli/model_options.h"
#include "compiler/load.h"

namespace systole::cli {

// What load_model takes for a MODEL argument: the text itself if it is a file, an inline shape or a
// network by its name (resnet50), and the path of a model of models/ for its name (fashion_mlp).
// Throws InputError for a program and for a text that is none of these, with the nearest that is. A
// batch given beside a form that says its own is said in a note.
[[nodiscard]] std::string resolve_model(const std::string& text, const std::string& command,
                                        const ShapeOptions& shapes = {});

// The model's graph; what its reader notes is said once, however often it is loaded.
[[nodiscard]] compiler::Graph read_model(const std::string& model,
                                         const compiler::LoadOptions& options);

}  // namespace systole::cli
