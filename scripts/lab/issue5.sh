#!/usr/bin/env bash
# All claims on practice, rewards, reward models and the arena (C24 to C32, and the objectives), then their verdicts.
# Cost on two cores at --scale 1: 1 h 32 min with AVX2, 67 min with fast bf16 beside other work (76 of CPU time): the assistant 11 minutes, then two lines of labs at the same time.
# usage: scripts/lab/issue5.sh OUT_DIR [--scale X]
# shellcheck source=scripts/lab/lib_all.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_all.sh"
# what shares runs is in one line: C29 asks those of C24
lab_all issue5 practice_assistant "c24_practice_climbs c29_majority c27_exploration objectives_compared c32_arena" \
    "c25_longer_answers c26_practice c28_delayed_reward c30_judging c31_overoptimisation" -- "$@"
