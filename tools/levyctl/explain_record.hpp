// One record in plain words and as JSON: both are made together, so that they cannot disagree.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/levyctl/explain.hpp"
#include "tools/levyctl/explain_history.hpp"
#include "tools/levyctl/explain_rule.hpp"

namespace levyctl {

struct Explained {
  nlohmann::ordered_json json;     // "text" holds the lines
  std::vector<std::string> wrong;  // what does not add up
};

class RecordExplainer {
 public:
  // `files` null: no plans were given. `version`: theirs, 0 = not known.
  RecordExplainer(const ExplainOptions& options, const PlanFiles* files, std::uint32_t version)
      : options_(options), files_(files), version_(version) {}

  Explained explain(const RecordLine& record, const SessionHistory& history);

 private:
  void head(const RecordLine& record);
  void group(const RecordLine& record, const GroupLine& line, const SessionHistory& history,
             int index, bool lost);
  void outcome(const GroupLine& line);
  void arithmetic(const RecordLine& record, const GroupLine& line, const GroupHistory& history,
                  nlohmann::ordered_json& json);
  void chosen(const Rule& rule, const RecordLine& record, const GroupLine& line,
              const GroupHistory& history, nlohmann::ordered_json& json);
  void sum(const Rule& rule, const RecordLine& record, const GroupLine& line,
           const GroupHistory& history, nlohmann::ordered_json& json);
  void spent(const RecordLine& record, const GroupLine& line, int index);
  void products(const RecordLine& record);
  void buckets(const RecordLine& record);
  void say(const std::string& text) { lines_.push_back(text); }
  void wrong(const std::string& text);

  const ExplainOptions& options_;
  const PlanFiles* files_;
  std::uint32_t version_;
  std::string zone_, currency_;  // of the record at hand
  std::vector<std::string> lines_;
  Explained out_;
};

}  // namespace levyctl
