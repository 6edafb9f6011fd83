// Array model: what the matrix unit's control asks of the systolic array, whichever engine answers.
//
//   pass_array.h       engine `cycle`: closed forms of T2 to T4, a pass's values computed at once
//   register_array.h   engine `register`: every register in every cycle; times are what happens
//
// The control starts passes and takes tiles; the array says when a tile has been shifted in
// (WeightPlanes::shifted) and when a pass is complete (Inbox::Issued). Both do so in cycles of
// their own finding, so that a wrong law shows up as engines that disagree.
#pragma once

#include "sim/unit/inbox.h"
#include "sim/unit/row_feed.h"
#include "sim/unit/weight_planes.h"

namespace systole::sim {

// A pass's times at the left edge: it starts at `start` and has offered its last row before
// `injected`.
struct Injection {
  Trail& trail;
  Instant start, injected;
};

class ArrayModel {
 public:
  ArrayModel() = default;
  ArrayModel(const ArrayModel&) = delete;
  ArrayModel& operator=(const ArrayModel&) = delete;
  virtual ~ArrayModel() = default;

  // Starts the model's processes.
  virtual void spawn() = 0;

  // A pass that switches tiles stands at the head of the queue, its syncs passed: from now on it is
  // known that no other pass will use the tile before.
  virtual void expect_switch(Trail& control) = 0;
  // A tile becomes active with the pass that starts next, in this cycle. The tile has been shifted
  // in.
  virtual void switch_tile(Tile tile) = 0;
  // A pass starts in this cycle: the cycles [start, injected) of the left edge are its.
  virtual void start(const RowFeed& feed, const Inbox::Issued& issued,
                     const Injection& injection) = 0;
};

}  // namespace systole::sim
