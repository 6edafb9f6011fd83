// Memory: who is told when (story in memory.h).
#include "sim/unit/memory.h"

#include <algorithm>
#include <utility>

#include "base/diag.h"

namespace systole::sim {

Memory::Memory(Kernel& kernel, const isa::Machine& machine, Causes* causes,
               std::span<const std::uint8_t> image, std::int64_t bytes)
    : kernel_(kernel),
      machine_(machine),
      causes_(causes),
      image_(image),
      writable_(machine.memory_is_writable()) {
  if (!writable_ || bytes == 0) return;
  bytes_ = {std::max(bytes, std::ssize(image)), "the device's memory"};
  std::ranges::copy(image, bytes_.begin());
}

std::size_t Memory::connect(MemoryClient& client) {
  SYSTOLE_CHECK(dram_ == nullptr, "a requester that comes after the first request");
  clients_.push_back(&client);
  asked_.emplace_back();
  return clients_.size() - 1;
}

void Memory::ask(const Trail& trail, std::size_t requester, std::int64_t address, Bytes bytes) {
  if (dram_ == nullptr) dram_ = make_dram(machine_, clients_.size());
  if (trail.records()) asked_[requester].push({trail.now(), trail.layer(), address, bytes.value});
  dram_->submit(requester, kernel_.now(), address, bytes);
  if (clients_.size() > 1) return look_at(kernel_.now() + CycleCount(1));
  dram_->serve(kNever, done_);
  tell();
}

void Memory::spawn() {
  Process process = run();
  process_ = process.handle();
  kernel_.spawn(std::move(process));
}

Process Memory::run() {
  for (;;) {
    co_await Look{};
    looks_.erase(kernel_.now());
    decide();
  }
}

void Memory::look_at(CyclePoint when) {
  if (looks_.insert(when).second) kernel_.resume_at(when, process_);
}

void Memory::decide() {
  dram_->serve(kernel_.now(), done_);
  tell();
  const CyclePoint next = dram_->next_decision();
  if (next != kNever) look_at(std::max(next, kernel_.now() + CycleCount(1)));
}

void Memory::tell() {
  for (const DramTransfer& one : done_) clients_[one.requester]->flows(one.begin, sent(one));
  done_.clear();
}

Instant Memory::sent(const DramTransfer& transfer) {
  Ring<Asked>& asked = asked_[transfer.requester];
  if (asked.empty()) return Instant(transfer.sent);
  const Asked one = asked.front();
  asked.pop();
  if (!records()) return Instant(transfer.sent);
  const Cause own{one.at, Resource::kMemory, transfer.sent - one.at};
  const Cause held{sent_, Resource::kMemory, transfer.sent - sent_};
  const bool waits = sent_ > one.at;
  sent_ = causes_->granted(Rule::kMemory, own, waits ? &held : nullptr,
                           {.address = one.address, .bytes = one.bytes}, one.layer);
  return sent_;
}

Instant Memory::after(const Cause& cause, std::int64_t layer) {
  return records() ? causes_->after(cause, layer) : Instant(cause.at());
}

Instant Memory::latest(const Instant& a, const Instant& b, std::int64_t layer) {
  return records() ? causes_->latest({a}, {b}, layer) : std::max(a, b);
}

std::span<const std::uint8_t> Memory::read(std::int64_t address, std::int64_t bytes) const {
  const std::span<const std::uint8_t> all =
      bytes_.size() > 0 ? std::span(bytes_.data(), bytes_.size()) : image_;
  SYSTOLE_CHECK(address >= 0 && address + bytes <= std::ssize(all), "bytes [{}, {}) of {}", address,
                address + bytes, all.size());
  return all.subspan(static_cast<std::size_t>(address), static_cast<std::size_t>(bytes));
}

std::span<std::uint8_t> Memory::write(std::int64_t address, std::int64_t bytes) {
  SYSTOLE_CHECK(address >= 0 && address + bytes <= static_cast<std::int64_t>(bytes_.size()),
                "bytes [{}, {}) of {}", address, address + bytes, bytes_.size());
  return std::span(bytes_.data(), bytes_.size())
      .subspan(static_cast<std::size_t>(address), static_cast<std::size_t>(bytes));
}

}  // namespace systole::sim
