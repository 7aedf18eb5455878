#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/slack/block_kit.hpp"

/// The tools that the rules of Block Kit are written with: a place in the JSON, complaints about it, and
/// checks that fit into tables of fields.
namespace watchbill::sandbox {

class BlockCheck {
 public:
  BlockCheck(Surface surface, std::string_view pointer) : surface_(surface), pointer_(pointer) {}

  [[nodiscard]] Surface surface() const { return surface_; }
  void wrong(std::string_view what);
  [[nodiscard]] std::size_t count() const { return complaints_.size(); }
  [[nodiscard]] Complaints take() { return std::move(complaints_); }

  /// Goes one step down while it lives.
  class Step {
   public:
    Step(BlockCheck& check, std::string_view name) : check_(check), length_(check.pointer_.size()) {
      check_.pointer_.append("/").append(name);
    }
    Step(BlockCheck& check, std::size_t index) : Step(check, std::to_string(index)) {}
    ~Step() { check_.pointer_.resize(length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    BlockCheck& check_;
    std::size_t length_;
  };

  std::set<std::string> block_ids;
  std::set<std::string> action_ids;  ///< of the block that is being looked at
  bool in_input = false;             ///< the element of an input block
  bool input_seen = false;
  std::size_t focused = 0;

 private:
  Surface surface_;
  std::string pointer_;
  Complaints complaints_;
};

/// One field of an object.
struct BlockField {
  std::string_view name;
  void (*check)(BlockCheck&, json::View);
  bool required = false;
};
using BlockFields = std::vector<BlockField>;

/// An object with these fields and no others ("type" is always allowed).
void check_object(BlockCheck& check, json::View value, const BlockFields& fields);
/// A list of `least` to `most` items, each checked.
void check_list(BlockCheck& check, json::View list, std::size_t least, std::size_t most,
                void (*item)(BlockCheck&, json::View));
void check_length(BlockCheck& check, json::View text, std::size_t least, std::size_t most);
/// A text object; `mrkdwn` says whether it may be one.
void check_text(BlockCheck& check, json::View value, bool mrkdwn, std::size_t most);
void check_whole(BlockCheck& check, json::View value, std::int64_t least, std::int64_t most);
void check_flag(BlockCheck& check, json::View value);
void check_url(BlockCheck& check, json::View value);
void check_one_of(BlockCheck& check, json::View value, std::initializer_list<std::string_view> allowed);

template <std::size_t Most, std::size_t Least = 1>
void is_string(BlockCheck& check, json::View value) {
  check_length(check, value, Least, Most);
}
template <std::size_t Most>
void is_plain(BlockCheck& check, json::View value) {
  check_text(check, value, false, Most);
}
template <std::size_t Most>
void is_text(BlockCheck& check, json::View value) {
  check_text(check, value, true, Most);
}
template <std::int64_t Least, std::int64_t Most>
void is_whole(BlockCheck& check, json::View value) {
  check_whole(check, value, Least, Most);
}

/// Where an element may stand.
enum BlockPlace : unsigned { kAccessory = 1, kActions = 2, kInput = 4, kContext = 8 };
/// An element of a block at that place.
void check_element(BlockCheck& check, json::View element, BlockPlace place);
void check_options(BlockCheck& check, json::View list, std::size_t most, bool mrkdwn, bool urls);
void check_option_groups(BlockCheck& check, json::View list);

}  // namespace watchbill::sandbox
