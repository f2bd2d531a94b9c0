// SPDX-License-Identifier: GPL-2.0-only
#include "control/plan/promises.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "control/plan/compare.hpp"
#include "control/plan/planning.hpp"
#include "core/cgroup_path.hpp"
#include "core/longest_run.hpp"

namespace fief {
namespace {

// So many alike are held back one by one; the others then are without a look at each.
constexpr std::uint32_t kPatience = 3;

// What somebody other than an administrator asks for.
struct Claim {
  std::size_t index = 0;  // of its delegation in the policy
  CgroupId cgroup;
  bool is_attached = false;
  Terms terms = Terms::all;
};

// Claims that are alike: of one pattern, or of one tenant, below the same scheduler.
struct Group {
  std::string_view pattern;
  std::uint32_t tenant = 0;
  std::string_view above;
  bool is_attached = false;
  Terms terms = Terms::all;
  friend auto operator<=>(const Group&, const Group&) = default;
};

// Leaves the part by weight, and the limit: that takes from nobody. False if there is no more.
bool give_up_wishes(Delegation& delegation) {
  const bool had = delegation.min_cpus || delegation.exclusive ||
                   !std::holds_alternative<PlacePack>(delegation.placement) ||
                   delegation.smt != Smt::together;
  delegation.min_cpus.reset();
  delegation.exclusive = false;
  delegation.placement = PlacePack{};
  delegation.smt = Smt::together;
  return had;
}

class Settlement {
 public:
  explicit Settlement(const PromiseInput& input)
      : input_(input), cpusets_(input.cgroups), policy_(input.resolved) {}

  Promises settle() {
    sort_out();
    if (!all_but_tenants_fit()) {
      settle_administrators();
      settle(of_patterns_);
    }
    leave_out_homeless_tenants();
    settle(of_tenants_);
    return {promised_policy(), std::move(concessions_), std::move(shortfall_)};
  }

 private:
  Delegation& delegation(const Claim& claim) { return policy_.delegations[claim.index]; }

  // 0: an administrator made it.
  [[nodiscard]] std::uint32_t tenant_of(const Delegation& wanted) const {
    const auto found = input_.tenants.find(wanted.cgroup);
    return found == input_.tenants.end() ? 0 : found->second;
  }

  void sort_out() {
    for (std::size_t i = 0; i < policy_.delegations.size(); ++i) {
      const auto& wanted = policy_.delegations[i];
      const auto* node = input_.cgroups.find(wanted.cgroup);
      if (node == nullptr || (input_.is_out && input_.is_out(wanted)))
        continue;
      const bool is_attached = input_.observation.find(node->id) != nullptr;
      const Claim claim{.index = i, .cgroup = node->id, .is_attached = is_attached};
      if (tenant_of(wanted) != 0)
        of_tenants_.push_back(claim);
      else if (!wanted.pattern.empty())
        of_patterns_.push_back(claim);
      else
        administrators_.push_back(claim);
    }
    put_in_order(of_patterns_);
    put_in_order(of_tenants_);
  }

  // Who has what was promised keeps it before others who are alike get any.
  void put_in_order(std::vector<Claim>& claims) {
    std::map<std::string_view, std::size_t> places;
    for (const auto& pattern : input_.written.patterns)
      places.emplace(pattern.delegation.name, places.size());
    std::ranges::stable_sort(claims, {}, [&](const Claim& claim) {
      const auto& wanted = delegation(claim);
      return std::tuple(wanted.cgroup == input_.last, places[wanted.pattern], !claim.is_attached);
    });
  }

  [[nodiscard]] Status fit(std::span<const Claim> more) const {
    auto own = granted_;
    for (const auto& claim : more)
      if (claim.terms != Terms::none)
        own.push_back(claim.cgroup);
    const auto attachments = attachments_if(own, input_.observation, input_.cgroups);
    const auto plan = make_checked_plan({.topology = input_.topology,
                                         .cgroups = input_.cgroups,
                                         .policy = policy_,
                                         .attachments = attachments,
                                         .previous = input_.previous,
                                         .now = input_.now});
    return plan ? Status{} : tl::unexpected(plan.error());
  }

  void grant(std::span<const Claim> claims) {
    for (const auto& claim : claims) {
      if (claim.terms == Terms::none)
        continue;
      granted_.push_back(claim.cgroup);
      granted_paths_.insert(input_.resolved.delegations[claim.index].cgroup);
    }
  }

  // Which is all there is to do on most days.
  bool all_but_tenants_fit() {
    auto all = administrators_;
    all.insert(all.end(), of_patterns_.begin(), of_patterns_.end());
    const bool fits = fit(all).has_value();
    if (fits)
      grant(all);
    return fits;
  }

  // Where not even theirs can be had, the others are judged beside what is left of it: cpusets
  // count, or the weights alone.
  void settle_administrators() {
    auto fits = fit(administrators_);
    if (!fits)
      shortfall_ = fits.error();
    if (!fits) {
      for (const auto& claim : administrators_)
        yield_to_cpuset(delegation(claim), cpusets_, input_.cgroups, input_.topology);
      fits = fit(administrators_);
    }
    if (!fits) {
      for (const auto& claim : administrators_)
        give_up_wishes(delegation(claim));
      fits = fit(administrators_);
    }
    is_hopeless_ = !fits;
    grant(administrators_);
  }

  void settle(std::vector<Claim>& claims) {
    if (is_hopeless_)
      return hold_back_newcomers(claims);
    bool is_first = true;
    for (std::size_t at = 0; at < claims.size();) {
      const auto rest = std::span(claims).subspan(at);
      const auto fitting = longest_run(
          rest.size(), [&](std::size_t count) { return fit(rest.first(count)).has_value(); });
      if (fitting < rest.size() && std::exchange(is_first, false) && yield(claims))
        continue;
      grant(rest.first(fitting));
      at += fitting;
      if (at < claims.size())
        concede(claims, at++);
    }
  }

  // What its own cpuset does not let it have is not had by anybody else's giving way.
  bool yield(std::vector<Claim>& claims) {
    bool any = false;
    for (auto& claim : claims) {
      auto& wanted = delegation(claim);
      if (claim.terms != Terms::all ||
          !yield_to_cpuset(wanted, cpusets_, input_.cgroups, input_.topology))
        continue;
      note(claim, Terms::by_cpuset,
           fmt::format("the cpuset of {} does not let it have what it asks for", wanted.cgroup));
      any = true;
    }
    return any;
  }

  // There is no plan to judge anybody by.
  void hold_back_newcomers(std::vector<Claim>& claims) {
    for (auto& claim : claims)
      if (!claim.is_attached)
        note(claim, Terms::none, shortfall_->message);
    grant(claims);
  }

  void concede(std::vector<Claim>& claims, std::size_t at) {
    auto& claim = claims[at];
    const auto one = std::span(claims).subspan(at, 1);
    auto fits = fit(one);
    const auto why = fits ? std::string{} : fits.error().message;
    while (!fits && claim.terms != Terms::none) {
      note(claim, next_terms(claim), why);
      fits = fit(one);
    }
    const auto group = group_of(claim);
    grant(one);
    if (++conceded_[group] < kPatience)
      return;
    for (auto& like : std::span(claims).subspan(at + 1))
      if (like.terms < claim.terms && is_like(like, group))
        follow(like, claim.terms, why);
  }

  // Who is not attached yet is not, by weight alone: nobody asked for that.
  Terms next_terms(const Claim& claim) {
    auto& wanted = delegation(claim);
    const bool may_go_by_weight = claim.is_attached || tenant_of(wanted) != 0;
    return may_go_by_weight && give_up_wishes(wanted) ? Terms::by_weight : Terms::none;
  }

  void follow(Claim& claim, Terms terms, const std::string& why) {
    if (terms == Terms::none || give_up_wishes(delegation(claim)))
      note(claim, terms, why);
  }

  Group group_of(const Claim& claim) {
    const auto& wanted = delegation(claim);
    return {.pattern = wanted.pattern,
            .tenant = tenant_of(wanted),
            .above = nearest(wanted.cgroup, granted_paths_),
            .is_attached = claim.is_attached,
            .terms = claim.terms};
  }

  bool is_like(const Claim& claim, const Group& group) {
    auto own = group_of(claim);
    own.terms = group.terms;
    return own == group;
  }

  static std::string_view nearest(std::string_view path, const std::set<std::string_view>& paths) {
    std::string_view found;
    any_above(path, [&](std::string_view above) {
      found = paths.contains(above) ? above : std::string_view{};
      return !found.empty();
    });
    return found;
  }

  // A tenant has its part of what its landlord has, and of nobody else's.
  void leave_out_homeless_tenants() {
    std::set<std::string_view> landlords;
    for (const auto& wanted : input_.resolved.delegations)
      if (wanted.tenants > 0)
        landlords.insert(wanted.cgroup);
    for (auto& claim : of_tenants_) {
      const auto landlord = nearest(delegation(claim).cgroup, landlords);
      if (!granted_paths_.contains(landlord))
        note(claim, Terms::none,
             fmt::format("{}, whose part it would have a part of, has no scheduler",
                         landlord.empty() ? "a delegation above" : landlord));
    }
  }

  void note(Claim& claim, Terms terms, const std::string& why) {
    claim.terms = terms;
    concessions_.insert_or_assign(delegation(claim).cgroup, Concession{terms, why});
  }

  Policy promised_policy() {
    if (shortfall_)
      for (const auto& claim : administrators_)
        delegation(claim) = input_.resolved.delegations[claim.index];
    std::erase_if(policy_.delegations, [this](const Delegation& wanted) {
      const auto found = concessions_.find(wanted.cgroup);
      return found != concessions_.end() && found->second.terms == Terms::none;
    });
    return std::move(policy_);
  }

  const PromiseInput& input_;
  Cpusets cpusets_;
  Policy policy_;  // by the terms so far
  std::vector<Claim> administrators_;
  std::vector<Claim> of_patterns_;
  std::vector<Claim> of_tenants_;
  std::vector<CgroupId> granted_;
  std::set<std::string_view> granted_paths_;
  std::map<Group, std::uint32_t> conceded_;
  std::map<std::string, Concession, std::less<>> concessions_;
  std::optional<Error> shortfall_;
  bool is_hopeless_ = false;
};

}  // namespace

Promises make_promises(const PromiseInput& input) {
  return Settlement(input).settle();
}

}  // namespace fief
