// Pass: the first convolutions of a network have few channels and many pixels, so they leave most
// of a wide array unused. Several images of the batch become one image with their channels side by
// side, which costs nothing in memory ([N, C, H, W] and [N/g, gC, H, W] are the same bytes); a
// convolution becomes g groups of the same filters, a block-diagonal tile. Behind the last layer
// that gains by it a reshape takes the images apart again.
#pragma once

#include "compiler/ir/graph.h"
#include "isa/machine.h"

namespace systole::compiler {

// Whether the device goes on with a value, so that images have to be taken apart there. What goes
// to the host need not: the bytes are the same.
[[nodiscard]] bool read_on_device(const Graph& graph, ValueId id);

// Packs the images of one chain of layers, as many as make it fastest on `machine` and have room in
// the unified buffer together, and sets graph.images_together.
[[nodiscard]] Graph pack_images(const Graph& graph, const isa::Machine& machine);

}  // namespace systole::compiler
