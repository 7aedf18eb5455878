#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Block Kit as values: small functions that make JSON and keep to Slack's limits
/// (docs.slack.dev/reference/block-kit). What is too long is cut between characters, with an ellipsis; what
/// would be empty becomes a dash, since Slack refuses empty texts. Slack does not say what it counts, so a
/// character counts as UTF-16 does: what fits fits either way.
namespace watchbill::slack_app {

/// One piece of Block Kit, as JSON. The tag says where it may stand.
template <class Tag>
struct Piece {
  std::string json;
  bool operator==(const Piece&) const = default;
};
using Text = Piece<struct TextTag>;
using Option = Piece<struct OptionTag>;
using Element = Piece<struct ElementTag>;
using Block = Piece<struct BlockTag>;
using Confirm = Piece<struct ConfirmTag>;
using Blocks = std::vector<Block>;

inline constexpr std::size_t kMaxBlocks = 100;   ///< of a home tab or a modal
inline constexpr std::size_t kMaxOptions = 100;  ///< of a select
inline constexpr std::size_t kMaxText = 3000;

/// At most `units` UTF-16 units, the ellipsis included; a dash for nothing. Never cuts within a character, an
/// entity or a token of mrkdwn.
std::string fit(std::string_view text, std::size_t units);

/// Shown as it is: names of people need no escaping here.
Text plain(std::string_view text, std::size_t units = kMaxText);
/// With formatting, mentions and dates. Nothing in it is linked that is not marked up (`verbatim`), so names
/// must have gone through base/text.hpp and can then notify nobody.
Text mrkdwn(std::string_view text, std::size_t units = kMaxText);

Block header(std::string_view text);
Block divider();
/// `id` may be empty.
Block section(const Text& text, const std::string& id = {});
Block section(const Text& text, const Element& accessory, const std::string& id);
/// At most ten; the rest is left out.
Block context(const std::vector<Text>& texts);
/// At most 25; the rest is left out.
Block actions(const std::vector<Element>& elements, const std::string& id);

struct InputLook {
  std::string label;
  std::string hint{};
  bool optional = false;
  /// Its changes come as actions at once.
  bool dispatch = false;
};
Block input(const std::string& id, const Element& element, const InputLook& look);

/// A title, a question, and what the two buttons say.
Confirm confirm(std::string_view title, std::string_view mrkdwn_text, std::string_view yes,
                bool danger = false);

/// `value` is our own (at most 150 bytes; a longer one is a bug and throws std::logic_error).
Option option(std::string_view text, const std::string& value, std::string_view description = {});
/// For checkboxes and radio buttons, whose texts may be mrkdwn.
Option option_mrkdwn(std::string_view text, const std::string& value, std::string_view description = {});

enum class Style { normal, primary, danger };
struct Button {
  std::string action;
  std::string text;
  std::string value{};
  Style style = Style::normal;
  std::string url{};
  std::optional<Confirm> confirm{};
};
Element button(const Button& button);
/// One to five options; the rest is left out.
Element overflow(const std::string& action, const std::vector<Option>& options);

/// When a text tells of what is typed, if its block dispatches.
enum class TextEvents { none, on_enter, on_each_character };
struct TextInput {
  std::string action;
  std::string initial{};
  std::string placeholder{};
  bool multiline = false;
  std::size_t max_length = 0;  ///< 0: Slack's own, 3,000
  TextEvents events = TextEvents::none;
};
Element text_input(const TextInput& input);

struct Select {
  std::string action;
  std::string placeholder{};
  std::size_t max_items = 0;  ///< for those that take several; 0: any number
};
/// Asks the app for options from the first character on (`block_suggestion`).
Element external_select(const Select& select, const std::optional<Option>& initial);
Element multi_external_select(const Select& select, const std::vector<Option>& initial);
/// At most 100 options, at least one.
Element static_select(const Select& select, const std::vector<Option>& options,
                      const std::optional<Option>& initial);
Element users_select(const Select& select, const std::optional<std::string>& initial);
Element multi_users_select(const Select& select, const std::vector<std::string>& initial);
/// Public and private channels.
Element multi_channels_select(const Select& select, const std::vector<std::string>& initial);
/// At most ten options. `initial` must be among them.
Element radio_buttons(const std::string& action, const std::vector<Option>& options,
                      const std::optional<Option>& initial);
Element checkboxes(const std::string& action, const std::vector<Option>& options,
                   const std::vector<Option>& initial);

/// `metadata` comes back with every action: nothing secret (at most 3,000 bytes; more is a bug and throws).
/// Beyond 100 blocks or 250 KB of JSON the last ones are left out, and a line says so.
std::string home_view(const std::string& metadata, const Blocks& blocks);

struct Modal {
  std::string callback;
  std::string title;     ///< at most 24
  std::string submit{};  ///< none: nothing can be submitted
  std::string close = "Cancel";
  std::string metadata{};
  bool notify_on_close = false;
};
std::string modal_view(const Modal& modal, const Blocks& blocks);

}  // namespace watchbill::slack_app
