#!/usr/bin/env python3
"""Conversations as Hugging Face's apply_chat_template renders them, for dev/test/test_assistant.hpp and, with `forms`, test_chat.hpp.

usage: dev/ref/chat_fixture.py CHECKPOINT > dev/ref/fixtures/chat_template.json
       dev/ref/chat_fixture.py CHECKPOINT forms > dev/ref/fixtures/chat_template_forms.json

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


# What `train_gpt sft` reads beyond the form that it writes: texts that are null or lists of parts, arguments as an object or as one in a
# string, calls without "function", and other names of roles.
def calling(arguments, content=None, name="python"):
    return [{"role": "user", "content": "x"},
            {"role": "assistant", "content": content, "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}]},
            {"role": "tool", "content": "1"}, {"role": "assistant", "content": "y"}]


CODE = ["1+1", "print('a')\nx = [1, 2]\nx", 's = "a\\nb"', '"\\\\"', "a\\/b", "\ttab \r\n", "caf\u00e9 \u4f60\u597d \U0001f600 \ud7ff", "\\u0041", '"', "\\", ""]
# strings that are no JSON object with one string: they stay as they are
RAW = ['{"a": 1}', '{"a": "b", "c": "d"}', "{'a': 'b'}", '{"a": "\\d+"}', '{"a": "b\nc"}', '["a"]', '"a"', '{"a": "b"} \\', '{"a": "b"}["a"]', '{"a": "b', "{}"]
FORMS = [calling({"code": code}) for code in CODE]
FORMS += [calling(json.dumps({"code": code})) for code in CODE]
FORMS += [calling(json.dumps({"code": code}, ensure_ascii=False, indent=1)) for code in CODE]
FORMS += [calling(raw) for raw in RAW]
FORMS += [
    calling("1+1", content=""), calling("1+1", content="Let me see."), calling({"query": "the moon"}, name="search"),
    calling("1+1", content=[{"type": "text", "text": "Let me "}, {"type": "text", "text": "see."}]),
    [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"name": "python", "arguments": "1+1"}]},
     {"role": "tool", "content": [{"type": "text", "text": "2"}]}, {"role": "assistant", "content": "y", "tool_calls": None}],
    [{"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]},
     {"role": "human", "content": [{"type": "text", "text": "Hi!"}]}, {"role": "gpt", "content": "Hello.", "thinking": [{"type": "text", "text": "greet"}]}],
    [{"role": "human", "content": "x"}, {"role": "gpt", "content": None, "tool_calls": [{"function": {"name": "python", "arguments": "1"}}]},
     {"role": "observation", "content": "1"}, {"role": "gpt", "content": "y"}],
    [{"role": "user", "content": None}, {"role": "assistant", "content": "y", "thinking": None}],
    [{"role": "user", "content": []}, {"role": "assistant", "content": None, "thinking": "y"}],
]
FORMS.append(FORMS[-3][:3])  # ends on the output of a tool: no new header


def ids_of(tokenizer, messages, prompt):
    out = tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, tokenize=True)
    return list(out["input_ids"]) if hasattr(out, "keys") else list(out)


def main():
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
    rows = []
    for messages in FORMS if sys.argv[2:] == ["forms"] else CONVERSATIONS:
        rows.append({"messages": messages, "ids": ids_of(tokenizer, messages, False), "open": ids_of(tokenizer, messages, True)})
    json.dump(rows, sys.stdout, ensure_ascii=True)
    print()


main()
