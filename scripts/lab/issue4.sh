#!/usr/bin/env bash
# All claims on the way from base model to assistant (C7 to C23, and real conversations), then their verdicts.
# Cost at --scale 1: 76 minutes of CPU time with fast bf16 (48 minutes on two cores that had other work, too), 140 with AVX2 (the sum of its parts). usage: scripts/lab/issue4.sh OUT_DIR [--scale X]
# shellcheck source=scripts/lab/lib_all.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_all.sh"
# what shares a base model is in one line
lab_all issue4 "" "c19_tokens_to_think c20_calculator c23_jagged c21_counting c22_spelling" "c7_protocol c8_recall c10_invents c12_transcript c14_hallucination c18_identity" \
    "c16_search" "c9_recites" "c11_few_shot" "real_conversations" -- "$@"
