// Layers: what each layer of a point computes and moves at least, beside the time that its target
// gave it.
#pragma once

#include "compare/comparison/comparison.h"

namespace systole::compare {

// Sets operations and bytes of all points' layers from the model's layer of that name, of two of
// one name in their order. A layer that the model has not (a copy, a host's step that a library
// adds) keeps none.
void set_layers(Comparison& comparison);

}  // namespace systole::compare
