// Prediction: the units as actors. Each says when it could act next; the earliest acts.
#include "compiler/lower/predict.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <utility>

#include "base/diag.h"
#include "compiler/lower/predict_resources.h"
#include "compiler/lower/predict_work.h"
#include "isa/decode.h"
#include "isa/delivery.h"
#include "isa/insn.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

using isa::Unit;

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

// An instruction in a unit's queue.
struct Entry {
  std::size_t pc = 0;
  std::int64_t layer = 0;
  std::int64_t since = 0;  // from when on the unit sees it
  std::int64_t need = 0;   // of a sync: completions of the unit it waits for
};

// A unit's queue and clock.
struct Clock {
  std::deque<Entry> queue;
  std::int64_t popped = 0;         // when the head came to the head
  std::int64_t room = 0;           // from when on a full queue has room again
  std::int64_t free = 0;           // from when on the unit takes the next instruction
  std::int64_t sent = 0;           // instructions dispatched that count
  std::vector<std::int64_t> done;  // by these: when others know it to be complete
};

// What is left of a stream of steps of which `whole` were to do: shares in proportion.
struct Shares {
  std::int64_t whole = 0, left = 0, layer = 0;
  [[nodiscard]] std::int64_t of(std::int64_t part, std::int64_t steps) const {
    const std::int64_t before = whole - left;
    return part * (before + steps) / whole - part * before / whole;
  }
};

class Timeline {
 public:
  // `code` is the program's, without repeats.
  Timeline(const isa::Program& program, Code code)
      : code_(std::move(code)),
        machine_(program.machine),
        layers_(program.layers.size()),
        link_in_(machine_, machine_.link_in_bytes_per_second),
        link_out_(machine_, machine_.link_out_bytes_per_second),
        memory_(machine_),
        ports_(machine_),
        chunk_room_(static_cast<std::size_t>(machine_.link_buffer_chunks), 0) {}

  std::vector<LayerPrediction> run() {
    for (;;) {
      std::int64_t at = kNever;
      const Actor* next = nullptr;
      for (const Actor& actor : kActors) {
        const std::int64_t when = (this->*actor.when)();
        if (when >= at) continue;
        at = when;
        next = &actor;
      }
      if (next == nullptr) break;
      (this->*next->act)(at);
    }
    SYSTOLE_CHECK(pc_ == code_.size(), "instruction {} is never decoded", pc_);
    layers_[last_layer_].cycles += std::max<std::int64_t>(0, end_ - matrix_end_);
    return std::move(layers_);
  }

 private:
  struct Actor {
    std::int64_t (Timeline::*when)();
    void (Timeline::*act)(std::int64_t at);
  };
  // Of one cycle in this order, as units.def has it; instructions before data on the link.
  static const std::array<Actor, 9> kActors;

  struct Rows {
    Shares shares;
    RowWork work;
  };

  Clock& clock(Unit unit) { return clocks_[isa::index(unit)]; }
  LayerPrediction& layer(std::int64_t id) { return layers_.at(static_cast<std::size_t>(id)); }
  const isa::Insn& insn(const Entry& entry) const { return code_[entry.pc]; }

  // --- sequencer and delivery ---
  std::int64_t decode_when() {
    if (pc_ == code_.size()) return kNever;
    if (!note_delivery()) return kNever;
    const isa::Insn& next = code_[pc_];
    const std::int64_t at = std::max(now_, arrived_);
    if (std::holds_alternative<isa::Halt>(next) || std::holds_alternative<isa::Interrupt>(next))
      return all_done() ? std::max(at, end_ + 1) : kNever;
    const Unit unit = isa::queue_of(next);
    if (unit == Unit::kSequencer) return at;
    const Clock& c = clock(unit);
    return std::ssize(c.queue) < machine_.sequencer_queue ? std::max(at, c.room) : kNever;
  }

  void decode(std::int64_t at) {
    const isa::Insn& next = code_[pc_];
    now_ = at + isa::decode_cycles(next, machine_);
    if (const auto* tag = std::get_if<isa::Tag>(&next)) layer_ = tag->layer;
    if (isa::queue_of(next) != Unit::kSequencer) dispatch(next, at);
    ++pc_;
    for (; decoded_bytes_ >= (released_ + 1) * isa::kPacketBytes; ++released_)
      released_at_ = at + 1;
  }

  void dispatch(const isa::Insn& next, std::int64_t at) {
    Entry entry{pc_, layer_, at + 1, 0};
    if (const auto* sync = std::get_if<isa::Sync>(&next))
      entry.need = clock(static_cast<Unit>(sync->wait_for)).sent - sync->distance;
    Clock& c = clock(isa::queue_of(next));
    if (isa::counts(next)) ++c.sent;
    c.queue.push_back(entry);
  }

  bool all_done() {
    return std::ranges::all_of(
        clocks_, [](const Clock& c) { return c.queue.empty() && std::ssize(c.done) == c.sent; });
  }

  // When the packets of the next instruction are there; false if they have not been sent.
  bool note_delivery() {
    if (counted_pc_ == pc_) {
      decoded_bytes_ += isa::encoded_bytes(code_[pc_]);
      ++counted_pc_;
    }
    if (machine_.sequencer_delivery == isa::Delivery::kPreloaded) return true;
    const std::int64_t packets = ceil_div(decoded_bytes_, isa::kPacketBytes);
    if (packets > packets_sent_) return false;
    while (packets_taken_ < packets) {
      arrived_ = on_the_way_.front();
      on_the_way_.pop_front();
      ++packets_taken_;
    }
    return true;
  }

  std::int64_t packet_when() {
    if (machine_.sequencer_delivery == isa::Delivery::kPreloaded) return kNever;
    const std::int64_t places = machine_.sequencer_buffer_bytes / isa::kPacketBytes;
    if (packets_sent_ - released_ >= places) return kNever;
    const bool all = sent_pc_ == code_.size() && sent_bytes_ <= packets_sent_ * isa::kPacketBytes;
    return all ? kNever : std::max(packet_next_, released_at_);
  }

  void send_packet(std::int64_t at) {
    const std::int64_t end = (packets_sent_ + 1) * isa::kPacketBytes;
    for (; sent_pc_ < code_.size() && sent_bytes_ < end; ++sent_pc_)
      sent_bytes_ += isa::encoded_bytes(code_[sent_pc_]);
    const std::int64_t bytes = std::min(sent_bytes_ - (end - isa::kPacketBytes), isa::kPacketBytes);
    const Granted sent = link_in_.send(at, bytes);
    on_the_way_.push_back(sent.end + machine_.link_latency);
    packet_next_ = link_in_.next();
    ++packets_sent_;
  }

  // --- queues ---
  // When the head stands at the head and, if it is a sync, is met.
  std::int64_t head_when(const Clock& c) {
    if (c.queue.empty()) return kNever;
    const Entry& head = c.queue.front();
    const std::int64_t at = std::max(head.since, c.popped);
    const auto* sync = std::get_if<isa::Sync>(&insn(head));
    if (sync == nullptr || head.need <= 0) return at;
    const auto& done = clock(static_cast<Unit>(sync->wait_for)).done;
    return head.need <= std::ssize(done)
               ? std::max(at, done[static_cast<std::size_t>(head.need - 1)])
               : kNever;
  }
  bool head_works(const Clock& c) const {
    return !c.queue.empty() && isa::counts(insn(c.queue.front()));
  }
  static Entry pop(Clock& c, std::int64_t at) {
    const Entry head = c.queue.front();
    c.queue.pop_front();
    c.popped = at;
    c.room = at + 1;
    return head;
  }
  void complete(Clock& c, std::int64_t completion) {
    c.done.push_back(std::max(completion + 1, c.done.empty() ? 0 : c.done.back()));
    end_ = std::max(end_, completion);
  }

  // --- matrix unit and its tiles ---
  std::int64_t matrix_when() {
    const Clock& c = clock(Unit::kMatrix);
    const std::int64_t at = head_when(c);
    if (at == kNever || !head_works(c)) return at;
    if (!pass_work(insn(c.queue.front())).switches) return std::max(at, c.free);
    if (machine_.array_weight_load == isa::WeightLoad::kSingle && switches_ > 0)
      note_shadow(std::max(at, left_));
    shift();
    if (std::ssize(shifted_) <= switches_) return kNever;
    return std::max({at, c.free, shifted_[static_cast<std::size_t>(switches_)]});
  }

  void matrix(std::int64_t at) {
    Clock& c = clock(Unit::kMatrix);
    const bool works = head_works(c);
    const Entry head = pop(c, at);
    if (!works) return;
    const PassWork work = pass_work(insn(head));
    LayerPrediction& mine = layer(head.layer);
    if (work.switches) {
      ++switches_;
      mine.shift += machine_.shift_cycles();
      const std::int64_t first = at + work.before_first;
      if (machine_.array_weight_load == isa::WeightLoad::kThrough) note_shadow(first);
      if (machine_.array_weight_load == isa::WeightLoad::kChain)
        note_shadow(first + machine_.r() - 1);
    }
    const std::int64_t held = machine_.held_cycles(work.cycles, work.k, work.n);
    c.free = at + held;
    left_ = c.free + machine_.r() + machine_.c() - 2;
    mine.matrix += held;
    mine.cycles += c.free - matrix_end_;
    matrix_end_ = c.free;
    last_layer_ = static_cast<std::size_t>(head.layer);
    complete(c, left_ + 1);
  }

  // The shadow plane is free for the tile behind that of the latest switch.
  void note_shadow(std::int64_t at) {
    if (std::ssize(shadow_free_) <= switches_) shadow_free_.push_back(at);
  }
  // Shifts in every tile that is whole and has its plane.
  void shift() {
    while (shifted_.size() < whole_.size() && shifted_.size() < shadow_free_.size()) {
      const std::size_t tile = shifted_.size();
      shifted_.push_back(std::max(shadow_free_[tile], whole_[tile]) + machine_.shift_cycles());
    }
  }

  std::int64_t weights_when() {
    const Clock& c = clock(Unit::kWeights);
    const std::int64_t at = head_when(c);
    if (at == kNever || !head_works(c)) return at;
    const std::int64_t behind = std::ssize(whole_) - machine_.weight_fifo_tiles;
    shift();
    if (behind < 0) return std::max(at, c.free);
    if (behind >= std::ssize(shifted_)) return kNever;
    return std::max({at, c.free, shifted_[static_cast<std::size_t>(behind)]});
  }

  void weights(std::int64_t at) {
    Clock& c = clock(Unit::kWeights);
    const bool works = head_works(c);
    const Entry head = pop(c, at);
    if (!works) return;
    const std::int64_t type = std::get<isa::ReadWeights>(insn(head)).weights;
    const std::int64_t bytes = isa::tile_bytes(machine_, type);
    const Granted read = memory_.tile(at, bytes);
    layer(head.layer).weights += read.end - read.begin;
    layer(head.layer).weight_bytes += bytes;
    c.free = at + 1;
    whole_.push_back(read.end + machine_.dram_latency + 1);
    complete(c, whole_.back() - 1);
  }

  // --- activation and vector units: rows through the ports, chunk by chunk ---
  std::int64_t rows_when(Unit unit, const Rows& rows) {
    const Clock& c = clock(unit);
    if (rows.shares.left > 0) return c.free - 1 + rows.shares.of(rows.work.own, next_steps(rows));
    // Even a sync leaves the queue only when the rows before it have moved.
    const std::int64_t at = head_when(c);
    return at == kNever ? at : std::max(at, c.free - 1);
  }

  void rows_act(Unit unit, Rows& rows, std::int64_t at) {
    Clock& c = clock(unit);
    if (rows.shares.left > 0) return chunk(unit, rows, at);
    const bool works = head_works(c);
    const Entry head = pop(c, at);
    if (!works) return;
    rows.work = row_work(insn(head), machine_);
    rows.shares = {rows.work.steps, rows.work.steps, head.layer};
    c.free = std::max(c.free, at);
    // What comes before the first chunk's ports delays its request.
    if (rows.shares.left == 0) {
      complete(c, c.free + rows.work.depth);
    } else if (rows.shares.of(rows.work.own, next_steps(rows)) == 0) {
      chunk(unit, rows, at);
    }
  }

  std::int64_t next_steps(const Rows& rows) const {
    return std::min(ports_.read_chunk(rows.shares.left), ports_.write_chunk(rows.shares.left));
  }

  void chunk(Unit unit, Rows& rows, std::int64_t at) {
    Clock& c = clock(unit);
    const Shares& s = rows.shares;
    const std::int64_t steps = next_steps(rows), own = s.of(rows.work.own, steps);
    const std::int64_t lanes = s.of(rows.work.lane_cycles, steps);
    const PortClock::Use use = unit == Unit::kActivation
                                   ? PortClock::Use{steps, 0, 1}
                                   : PortClock::Use::spread(lanes, s.of(rows.work.reads, steps),
                                                            s.of(rows.work.writes, steps));
    const Granted granted = ports_.take(at, use);
    const std::int64_t begin = std::max(granted.begin, c.free + own);
    const std::int64_t end =
        std::max(granted.end, begin + std::max(rows.work.paced ? steps : 0, lanes));
    LayerPrediction& mine = layer(rows.shares.layer);
    (unit == Unit::kActivation ? mine.activation : mine.vector) += own + end - begin;
    if (use.reads > 0) mine.reads += granted.end - granted.begin;
    if (use.writes > 0) mine.writes += granted.end - granted.begin;
    c.free = end;
    rows.shares.left -= steps;
    if (rows.shares.left == 0) complete(c, c.free + rows.work.depth);
  }

  std::int64_t activation_when() { return rows_when(Unit::kActivation, activation_); }
  void activation(std::int64_t at) { rows_act(Unit::kActivation, activation_, at); }
  std::int64_t vector_when() { return rows_when(Unit::kVector, vector_); }
  void vector(std::int64_t at) { rows_act(Unit::kVector, vector_, at); }

  // --- host link ---
  struct Transfer {
    Shares rows;
    TransferWork work;
  };
  // On its way into the unified buffer.
  struct Chunk {
    std::int64_t arrived = 0, rows = 0;
    bool last = false;
    std::int64_t layer = 0;
  };

  std::int64_t dma_in_when() {
    const Clock& c = clock(Unit::kDmaIn);
    if (in_.rows.left == 0) {
      const std::int64_t at = head_when(c);
      return at == kNever || !head_works(c) ? at : std::max(at, c.free);
    }
    return chunk_room_.empty() ? kNever : std::max(c.free, chunk_room_.front());
  }

  void dma_in(std::int64_t at) {
    Clock& c = clock(Unit::kDmaIn);
    if (in_.rows.left == 0) {
      if (!start_transfer(c, in_, at)) return;
      c.free = at;
      if (in_.rows.left == 0) complete(c, at);
      return;
    }
    const std::int64_t rows = ports_.write_chunk(in_.rows.left);
    const std::int64_t bytes = in_.rows.of(in_.work.bytes, rows);
    const Granted sent = link_in_.send(at, bytes);
    layer(in_.rows.layer).link_in += sent.end - sent.begin;
    layer(in_.rows.layer).host_bytes += bytes;
    c.free = link_in_.next();
    in_.rows.left -= rows;
    chunk_room_.pop_front();
    chunks_.push_back({sent.end + machine_.link_latency, in_.work.to_buffer ? rows : 0,
                       in_.rows.left == 0, in_.rows.layer});
  }

  bool start_transfer(Clock& c, Transfer& transfer, std::int64_t at) {
    const bool works = head_works(c);
    const Entry head = pop(c, at);
    if (!works) return false;
    transfer.work = transfer_work(insn(head), machine_);
    transfer.rows = {transfer.work.rows, transfer.work.rows, head.layer};
    return true;
  }

  std::int64_t dma_write_when() {
    return chunks_.empty() ? kNever : std::max(chunks_.front().arrived, written_ - 1);
  }

  void dma_write(std::int64_t at) {
    const Chunk chunk = chunks_.front();
    chunks_.pop_front();
    written_ = std::max(written_, at);
    if (chunk.rows > 0) {
      const Granted write = ports_.take(at, {chunk.rows, 0, 1});
      layer(chunk.layer).writes += write.end - write.begin;
      written_ = std::max(written_, write.end);
    }
    chunk_room_.push_back(written_);
    if (chunk.last) complete(clock(Unit::kDmaIn), written_);
  }

  // A chunk is read while the one before it is sent.
  std::int64_t dma_out_when() {
    const Clock& c = clock(Unit::kDmaOut);
    const std::int64_t place = std::max(c.free, places_[0]);
    if (out_.rows.left > 0) return place;
    const std::int64_t at = head_when(c);
    return at == kNever || !head_works(c) ? at : std::max(at, place);
  }

  void dma_out(std::int64_t at) {
    Clock& c = clock(Unit::kDmaOut);
    if (out_.rows.left == 0 && !start_transfer(c, out_, at)) return;
    std::int64_t sent = std::max(at, places_[1]);
    if (out_.rows.left > 0) {
      const std::int64_t rows = ports_.read_chunk(out_.rows.left);
      const Granted read = ports_.take(at, {rows, 1, 0});
      const std::int64_t bytes = out_.rows.of(out_.work.bytes, rows);
      const Granted link = link_out_.send(read.end, bytes);
      LayerPrediction& mine = layer(out_.rows.layer);
      mine.link_out += link.end - link.begin;
      mine.reads += read.end - read.begin;
      mine.host_bytes += bytes;
      sent = link.end;
      out_.rows.left -= rows;
      c.free = std::max(at, read.end - 1);
      places_ = {places_[1], sent};
    }
    if (out_.rows.left == 0) complete(c, sent + machine_.link_latency);
  }

  const Code code_;
  const isa::Machine& machine_;
  std::vector<LayerPrediction> layers_;
  std::array<Clock, isa::kUnitKinds> clocks_{};
  LinkClock link_in_, link_out_;
  MemoryClock memory_;
  PortClock ports_;

  std::size_t pc_ = 0;  // of the sequencer
  std::int64_t layer_ = 0, now_ = machine_.sequencer_start_cycles;
  std::int64_t end_ = 0;  // everything so far is complete

  // Delivery: bytes up to the instruction that is decoded next, and up to the one sent last.
  std::size_t counted_pc_ = 0, sent_pc_ = 0;
  std::int64_t decoded_bytes_ = 0, sent_bytes_ = 0;
  std::int64_t packets_sent_ = 0, packets_taken_ = 0, packet_next_ = 0;
  std::int64_t released_ = 0, released_at_ = 0;  // packets whose room is free again
  std::int64_t arrived_ = 0;                     // when the latest packet taken was there
  std::deque<std::int64_t> on_the_way_;          // arrivals of packets sent and not taken

  std::size_t last_layer_ = 0;   // of the latest pass
  std::int64_t matrix_end_ = 0;  // it has injected its last row
  std::int64_t left_ = 0;        // and left the array
  std::int64_t switches_ = 0;
  std::vector<std::int64_t> whole_, shifted_;    // by tile: whole in the FIFO, shifted in
  std::vector<std::int64_t> shadow_free_ = {0};  // by tile: its plane is free (T4)

  Rows activation_, vector_;
  Transfer in_, out_;
  std::deque<Chunk> chunks_;
  std::deque<std::int64_t> chunk_room_;          // of each free place for a chunk: since when
  std::int64_t written_ = 0;                     // the chunk that is written last
  std::array<std::int64_t, 2> places_ = {0, 0};  // when the two chunks read last have been sent
};

constexpr std::array<Timeline::Actor, 9> Timeline::kActors = {{
    {&Timeline::decode_when, &Timeline::decode},
    {&Timeline::packet_when, &Timeline::send_packet},
    {&Timeline::dma_in_when, &Timeline::dma_in},
    {&Timeline::dma_write_when, &Timeline::dma_write},
    {&Timeline::dma_out_when, &Timeline::dma_out},
    {&Timeline::weights_when, &Timeline::weights},
    {&Timeline::matrix_when, &Timeline::matrix},
    {&Timeline::activation_when, &Timeline::activation},
    {&Timeline::vector_when, &Timeline::vector},
}};

}  // namespace

std::string_view LayerPrediction::bound() const {
  const std::array<std::pair<std::int64_t, std::string_view>, 8> resources = {
      {{matrix, "compute"},
       {shift, "weight shift"},
       {weights, "weights"},
       {activation, "activation"},
       {vector, "vector"},
       {link_in, "link in"},
       {link_out, "link out"},
       {std::max(reads, writes), "buffer ports"}}};
  return std::max_element(resources.begin(), resources.end(),
                          [](const auto& a, const auto& b) { return a.first < b.first; })
      ->second;
}

std::vector<LayerPrediction> predict_code(const isa::Program& program, Code code) {
  return Timeline(program, std::move(code)).run();
}

}  // namespace systole::compiler
