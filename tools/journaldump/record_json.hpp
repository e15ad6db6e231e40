// A Record as JSON, and as the lines that people read.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/shard/record.hpp"

namespace journaldump {

// {lsn, time, shard, sequence, kind, operator_kind?, account?, subscriber?, session?, session_id?
// or who and why, request?, reason, events?, mscc: [...], movements: [...], images: [...]}
nlohmann::ordered_json record_json(levy::Lsn lsn, const levy::shard::RecordView& record,
                                   const std::string& session_id);

// One line for the Record, an indented one for each MSCC and movement.
std::string record_text(const nlohmann::ordered_json& record);

}  // namespace journaldump
