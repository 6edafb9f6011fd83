// Sequencer: in-order decode and dispatch (data sheet in sequencer.h).
#include "sim/unit/sequencer.h"

#include <utility>

#include "isa/decode.h"
#include "isa/expand.h"
#include "sim/kernel/waits.h"

namespace systole::sim {
namespace {

constexpr std::int64_t kProgressEvery = 1 << 16;  // instructions

}  // namespace

Sequencer::Sequencer(const Board& board, InstructionBuffer& buffer, Completions& completions,
                     Inboxes inboxes, RunHooks hooks)
    : board_(board),
      buffer_(buffer),
      completions_(completions),
      inboxes_(std::move(inboxes)),
      hooks_(std::move(hooks)),
      sheet_(board, isa::Unit::kSequencer),
      trail_(board.kernel, board.causes),
      sent_(inboxes_.size()),
      queued_(inboxes_.size()) {}

Process Sequencer::run() {
  Kernel& kernel = board_.kernel;
  const CycleCount start(board_.machine.sequencer_start_cycles);
  if (start > CycleCount(0)) co_await trail_.delay(start, Resource::kStart);
  while (!halted_) {
    const CyclePoint ready = kernel.now();
    co_await buffer_.delivered(trail_, sent_place());
    isa::Insn insn = fetch();
    const CyclePoint decode = kernel.now();
    const Instant decoded = trail_.now();
    sheet_.wait(ready, decode, wait::kInstructions, {});
    note(insn);
    const CycleCount next = decode_cycles(insn);

    if (Inbox* inbox = inboxes_[isa::index(isa::queue_of(insn))]; inbox != nullptr) {
      co_await inbox->queue().writable();
      inbox->join_room(trail_, ++queued_[isa::index(isa::queue_of(insn))]);
      sheet_.wait(decode, kernel.now(), wait::kQueueFull, {});
      const std::int64_t need = needed(insn);
      std::int64_t& sent = sent_[isa::index(isa::queue_of(insn))];
      const std::int64_t serial = dispatched_;
      if (isa::counts(insn)) {
        ++sent;
        ++dispatched_;
      }
      inbox->queue().push({insn, current(), layer_, need, serial, sent, trail_.now()});
    } else if (std::holds_alternative<isa::Halt>(insn) ||
               std::holds_alternative<isa::Interrupt>(insn)) {
      for (std::size_t unit = 0; unit < sent_.size(); ++unit) {
        co_await trail_.reach(completions_.of(isa::unit_at(unit)), sent_[unit]);
      }
    }

    if (const auto* interrupt = std::get_if<isa::Interrupt>(&insn)) {
      sheet_.wait(decode, kernel.now(), wait::kInterrupt, {});
      hooks_.run_stage(interrupt->stage);
    }
    if (std::holds_alternative<isa::Halt>(insn)) {
      board_.ledger.at_work(0, decode, decode + CycleCount(1));  // of no layer
      if (trail_.records()) {
        board_.causes->completes(trail_.after({decoded, Resource::kDecode, CycleCount(1)}));
      }
      sheet_.busy(decode, decode + CycleCount(1), {"halt", {}, current(), -1});
      halted_ = true;
      break;
    }
    book(kernel.now(), insn);
    advance();
    buffer_.release(trail_.now(), kept_place());
    co_await trail_.delay(next, Resource::kDecode);
  }
}

InstructionBuffer::Place Sequencer::sent_place() const {
  return {pc_, sent_again_ ? repetition_ : 0};
}

InstructionBuffer::Place Sequencer::kept_place() const {
  const bool stays = repetitions_ > 0 && !sent_again_;
  return stays ? InstructionBuffer::Place{body_begin_, 0} : sent_place();
}

isa::Insn Sequencer::fetch() {
  SYSTOLE_CHECK(pc_ < board_.program.code.size(), "the program ends without halt");
  const isa::Insn& insn = board_.program.code[pc_];
  const bool moves = repetition_ > 0 && step_ != isa::StepBy{};
  return moves ? isa::stepped(insn, step_, repetition_) : insn;
}

CycleCount Sequencer::decode_cycles(const isa::Insn& insn) const {
  return board_.paced(Resource::kDecode, CycleCount(isa::decode_cycles(insn, board_.machine)));
}

void Sequencer::note(const isa::Insn& insn) {
  if (const auto* tag = std::get_if<isa::Tag>(&insn)) layer_ = tag->layer;
  trail_.of_layer(layer_);
  ++board_.ledger.layer(layer_).instructions;
  if (hooks_.progress && ++decoded_ % kProgressEvery == 0) {
    hooks_.progress(static_cast<double>(pc_) / static_cast<double>(board_.program.code.size()));
  }
}

std::int64_t Sequencer::needed(const isa::Insn& insn) const {
  const auto* sync = std::get_if<isa::Sync>(&insn);
  if (sync == nullptr) return 0;
  return sent_[isa::index(isa::awaited(*sync))] - sync->distance;
}

void Sequencer::book(CyclePoint begin, const isa::Insn& insn) {
  SliceLabel label;
  if (board_.probe != nullptr) {
    label = {isa::mnemonic(insn), board_.ledger.layer_name(layer_), current(), -1};
  }
  sheet_.busy(begin, begin + decode_cycles(insn), label);
}

void Sequencer::advance() {
  const isa::Insn& done = board_.program.code[pc_];
  const auto* step = std::get_if<isa::StepBy>(&done);
  step_ = step != nullptr ? *step : isa::StepBy{};
  ++pc_;
  if (const auto* repeat = std::get_if<isa::Repeat>(&done)) {
    enter_repeat(*repeat);
  } else if (repetitions_ > 0 && pc_ == body_end_) {
    step_ = {};
    ++repetition_;
    if (repetition_ < repetitions_) {
      pc_ = body_begin_;
    } else {
      repetition_ = repetitions_ = 0;
      sent_again_ = false;
    }
  }
}

void Sequencer::enter_repeat(const isa::Repeat& repeat) {
  const auto length = static_cast<std::size_t>(repeat.length);
  if (repeat.count == 0 || length == 0) {
    pc_ += length;
    return;
  }
  body_begin_ = pc_;
  body_end_ = pc_ + length;
  repetition_ = 0;
  repetitions_ = repeat.count;
  sent_again_ = buffer_.sends_again(body_begin_);
}

}  // namespace systole::sim
