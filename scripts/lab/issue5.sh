#!/usr/bin/env bash
# All claims on practice, rewards, reward models and the arena (C24 to C32, and the objectives): one after the other, then their verdicts.
# Cost: two hours on two quiet cores at --scale 1. usage: scripts/lab/issue5.sh OUT_DIR [--scale X]
# shellcheck source=scripts/lab/lib_all.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_all.sh"
lab_all issue5 "c24_practice_climbs c25_longer_answers c26_practice c27_exploration c28_delayed_reward c29_majority c30_judging
    c31_overoptimisation c32_arena objectives_compared" "$@"
