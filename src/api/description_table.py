#!/usr/bin/env python3
"""Writes a C++ source with the /// comments of the described structs in some headers.

Run by the build: description_table.py OUT HEADER...

It reads as much of C++ as the headers of the API need, formatted by clang-format: structs without
nested ones, members of one name each. A comment in a struct that stands above nothing, and a
described member that was not recognised, are errors: no description gets lost unnoticed.
"""
import re
import sys

DOC = re.compile(r"\s*/// ?(.*)$")
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
NAMESPACE = re.compile(r"(?:inline )?namespace ([\w:]+) \{$")
STRUCT = re.compile(r"struct (\w+) (?::.*)?\{(\};)?$")
DESCRIBE = re.compile(r"BOOST_DESCRIBE_STRUCT\((\w+),\((.*?)\),\((.*?)\)\)")
NO_MEMBER = re.compile(r"(static|using|friend|enum|template|constexpr)\b")
MEMBER = re.compile(r"[\w:<>, ]+[ >](\w+)(?: = .*|\{.*\})?;$")


class Header:
    def __init__(self, path, table):
        self.path = path
        self.table = table  # (struct, member) -> text
        self.number = 0
        self.depth = 0
        self.namespaces = []  # (name, depth outside)
        self.struct = None
        self.structs = {}  # name -> [comment, {member: comment}]
        self.doc = []
        self.statement = ""
        self.describing = ""

    def fail(self, message):
        sys.exit(f"{self.path}:{self.number}: {message}")

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            for self.number, line in enumerate(file, 1):
                self.take(line.rstrip("\n"))

    def take(self, line):
        if "///<" in line:
            self.fail("a description stands above its member, not behind it")
        doc = DOC.match(line)
        if doc:
            self.doc.append(doc[1].strip())
            return
        if line.lstrip().startswith("//"):
            return
        code = STRING.sub('""', line).split("//")[0].strip()
        if not code and self.struct and self.doc:
            self.fail("the comment above belongs to no member")
        if self.struct:
            self.take_in_struct(code)
        else:
            self.take_outside(code)
        if self.namespaces and self.depth <= self.namespaces[-1][1]:
            self.namespaces.pop()

    def count(self, code):
        self.depth += code.count("{") - code.count("}")

    def take_outside(self, code):
        namespace = NAMESPACE.match(code)
        if namespace:
            self.namespaces.append((namespace[1], self.depth))
        struct = STRUCT.match(code)
        if struct:
            self.structs[struct[1]] = [" ".join(self.doc), {}]
            self.struct = None if struct[2] else struct[1]
            self.inside = self.depth + 1
        self.doc = []
        self.count(code)
        if code.startswith("BOOST_DESCRIBE_STRUCT(") or self.describing:
            self.describing += code.replace(" ", "")
            if self.describing.count("(") == self.describing.count(")"):
                self.describe(self.describing)
                self.describing = ""

    def take_in_struct(self, code):
        self.count(code)
        if self.depth < self.inside:
            if self.doc:
                self.fail("the comment above belongs to no member")
            self.struct = None
            return
        if STRUCT.match(code):
            self.fail("a struct inside a struct is more than this script reads")
        self.statement = (self.statement + " " + code).strip()
        if self.depth > self.inside or not self.statement.endswith((";", "}")):
            return
        statement, self.statement = self.statement, ""
        doc, self.doc = " ".join(self.doc), []
        if "(" in statement or NO_MEMBER.match(statement):
            return
        member = MEMBER.match(statement)
        if not member:
            self.fail(f"not understood as a member: {statement}")
        self.structs[self.struct][1][member[1]] = doc

    def describe(self, text):
        match = DESCRIBE.fullmatch(text)
        if not match:
            self.fail(f"not understood: {text}")
        name, bases, members = match.groups()
        if name not in self.structs:
            self.fail(f"struct {name} is described, but was not found above")
        if bases:
            self.fail(f"struct {name} has bases, whose comments would be missed")
        comment, comments = self.structs[name]
        qualified = "::".join([one for one, _ in self.namespaces] + [name])
        self.put(qualified, "", comment)
        for member in filter(None, members.split(",")):
            if member not in comments:
                self.fail(f"{name}::{member} is described, but was not found in the struct")
            self.put(qualified, member, comments[member])

    def put(self, struct, member, text):
        if text:
            self.table[struct, member] = text


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(out, headers):
    table = {}
    for header in headers:
        Header(header, table).read()
    if not table:
        sys.exit("no described struct has a comment")
    lines = [
        "// Generated by src/api/description_table.py.",
        '#include "api/descriptions.hpp"',
        "",
        "namespace nestor::api::detail {",
        "",
        "std::span<const Description> description_table() {",
        "  static constexpr Description kTable[] = {",
        *(
            f"      {{{literal(struct)}, {literal(member)},\n       {literal(text)}}},"
            for (struct, member), text in sorted(table.items())
        ),
        "  };",
        "  return kTable;",
        "}",
        "",
        "}  // namespace nestor::api::detail",
        "",
    ]
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


main(sys.argv[1], sys.argv[2:])
