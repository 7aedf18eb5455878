#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/announce/announcement.hpp"

namespace watchbill {

/// The facts of an announcement sorted out and put into words. Keeps references: it must not outlive what it
/// was made from.
class AnnouncementWords {
 public:
  AnnouncementWords(const AnnouncementFacts& facts, Mention policy, const AnnouncementContext& context);

  /// The text that nobody needs to edit, without the remarks.
  [[nodiscard]] std::string default_text() const;
  /// What must not be left out, each on a line of its own that starts with a line break; without what `said`
  /// says is in the text already (by the variable's name).
  [[nodiscard]] std::string remarks(const std::function<bool(std::string_view)>& said) const;
  /// What `announcement_vocabulary` promises to templates.
  [[nodiscard]] TemplateData data() const;

 private:
  /// A person on call in one of his schedules.
  struct Duty {
    std::string schedule;
    std::optional<Instant> until;
    bool operator==(const Duty&) const = default;
  };
  /// One human being, with all the schedules through which he is on call.
  struct Human {
    const OnCallPerson* person;
    std::vector<Duty> duties;
    bool last_known = true;  ///< of none of his schedules it is known who is on call
  };
  using Humans = std::vector<Human>;

  static Humans humans_of(const std::vector<OnCallPerson>& people);
  static std::string schedules_of(const Human& human);
  static bool ends_at_once(const Human& human);
  static std::optional<Instant> end_of(const Human& human);

  [[nodiscard]] bool several_schedules() const;
  [[nodiscard]] bool is_in(const Humans& humans, const Human& human) const;
  [[nodiscard]] std::string shown(const Human& human) const;
  [[nodiscard]] std::string shown(const Humans& humans) const;
  [[nodiscard]] std::string group() const;
  [[nodiscard]] std::string note() const;
  [[nodiscard]] std::string headline() const;
  [[nodiscard]] std::string not_known() const;
  [[nodiscard]] std::string duties_of(const Human& human) const;
  [[nodiscard]] std::string list() const;
  [[nodiscard]] std::string next_sentence() const;
  [[nodiscard]] std::string in_between() const;
  [[nodiscard]] std::string lateness() const;
  void add_people(TemplateData& data, const std::string& name, const Humans& humans) const;
  void add_next(TemplateData& data) const;

  const AnnouncementFacts& facts_;
  Mention policy_;
  const AnnouncementContext& context_;
  Humans on_call_, incoming_, staying_, outgoing_;
  Humans last_known_;  ///< of `on_call_`: neither incoming nor staying, since that is not known
  bool name_schedules_ = false;
};

}  // namespace watchbill
