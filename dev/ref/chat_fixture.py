#!/usr/bin/env python3
"""Conversations as Hugging Face's apply_chat_template renders them, for dev/test/test_assistant.hpp.

usage: dev/ref/chat_fixture.py CHECKPOINT > dev/ref/fixtures/chat_template.json

CHECKPOINT is a directory that `train_gpt sft` wrote; the fixture in the repository was made with the vocabulary of 297 ids that
the test trains itself (chat_test::small_tokenizer). transformers renders a string and then finds the special tokens in it, so
only texts without such strings are compared.
"""
import json
import sys

from transformers import AutoTokenizer

CONVERSATIONS = [
    [{"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "4"}],
    [{"role": "system", "content": "Be kind."}, {"role": "user", "content": " the user  asked\n\n"}, {"role": "assistant", "content": "\nthe answer \n"}],
    [{"role": "user", "content": "na\u00efve \U0001f600 \u4f60\u597d"}, {"role": "assistant", "content": "caf\u00e9 {{ not }} {% a %} template"},
     {"role": "user", "content": ""}, {"role": "assistant", "content": "so"}],
    [{"role": "user", "content": "How many letters has moon?"},
     {"role": "assistant", "content": "Let me see. ", "thinking": "count them",
      "tool_calls": [{"type": "function", "function": {"name": "python", "arguments": "len('moon')"}}]},
     {"role": "tool", "content": "4"},
     {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "search", "arguments": "the moon"}}]},
     {"role": "tool", "content": "[1] book: the moon\n"},
     {"role": "assistant", "content": "Four [1]."}, {"role": "user", "content": "Thanks!"}],
]
CONVERSATIONS.append(CONVERSATIONS[3][:3])  # ends on the output of a tool: no new header


def ids_of(tokenizer, messages, prompt):
    out = tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, tokenize=True)
    return list(out["input_ids"]) if hasattr(out, "keys") else list(out)


def main():
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    rows = []
    for messages in CONVERSATIONS:
        rows.append({"messages": messages, "ids": ids_of(tokenizer, messages, False), "open": ids_of(tokenizer, messages, True)})
    json.dump(rows, sys.stdout, ensure_ascii=True)
    print()


main()
