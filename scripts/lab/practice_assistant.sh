#!/usr/bin/env bash
# The assistant that C24 to C29, C32 and the objectives begin from, with its base model and world, in OUT_DIR/practice; nothing where it is there.
# usage: scripts/lab/practice_assistant.sh OUT_DIR [--scale X] [--model DIR --world DIR [--base DIR]]
# shellcheck source=scripts/lab/lib_rl.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_rl.sh"
practice_begin assistant "$@"
echo "the assistant: $assistant, made from $base, which has read $world"
