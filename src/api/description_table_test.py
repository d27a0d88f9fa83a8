#!/usr/bin/env python3
"""Tests of description_table.py: run it."""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "description_table.py")


class DescriptionTable(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.header = os.path.join(temp.name, "some.hpp")
        self.out = os.path.join(temp.name, "table.cpp")

    def run_on(self, text):
        with open(self.header, "w", encoding="utf-8") as file:
            file.write(text)
        return subprocess.run(
            [sys.executable, SCRIPT, self.out, self.header], capture_output=True, text=True
        )

    def table_of(self, text):
        done = self.run_on(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    def assert_refused(self, text, message):
        done = self.run_on(text)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(message, done.stderr)

    def test_finds_comments_of_structs_and_members(self):
        table = self.table_of("""
namespace nestor::api {
/// A shape.
/// Of two lines.
struct Shape {
  static constexpr int kType{3};
  /// Says "hello".
  std::string name;
  // Of no concern to users.
  /// A map.
  // Neither is this.
  std::map<std::string, std::vector<Json>>
      long_ = {};
  std::int32_t bare = 0;
  /// Of a function.
  bool valid() const {
    return bare != 0;
  }
};
BOOST_DESCRIBE_STRUCT(Shape, (),
                      (name, long_,
                       bare))

/// Not described, so not in the table.
struct Other {
  /// Neither is this.
  int member;
};
}
""")
        self.assertIn('{"nestor::api::Shape", "",\n       "A shape. Of two lines."}', table)
        self.assertIn('"name",\n       "Says \\"hello\\"."}', table)
        self.assertIn('"long_",\n       "A map."}', table)
        for absent in ("bare", "concern", "Neither", "function"):
            self.assertNotIn(absent, table)

    def test_keeps_namespaces_apart(self):
        table = self.table_of("""
namespace nestor::api {
namespace one {
/// First.
struct Same {};
BOOST_DESCRIBE_STRUCT(Same, (), ())
}
}  // namespace nestor::api
namespace two {
/// Second.
struct Same {
};
BOOST_DESCRIBE_STRUCT(Same, (), ())
}
""")
        self.assertIn('"nestor::api::one::Same", "",\n       "First."', table)
        self.assertIn('"two::Same", "",\n       "Second."', table)

    def test_refuses_what_it_would_lose(self):
        self.assert_refused("struct A {\n  /// Of what?\n\n  int a;\n};\n", ":3: the comment above")
        self.assert_refused("struct A {\n  int a;\n  /// Of what?\n};\n", ":4: the comment above")
        self.assert_refused("struct A {\n  int a;  ///< Behind.\n};\n", "not behind it")
        self.assert_refused("struct A {\n  int a, *b;\n};\n", "not understood as a member")
        self.assert_refused(
            "struct A {\n  int a;\n};\nBOOST_DESCRIBE_STRUCT(A, (), (a, b))\n", "A::b is described"
        )
        self.assert_refused("BOOST_DESCRIBE_STRUCT(A, (), (a))\n", "struct A is described")
        self.assert_refused("struct A {\n  struct B {\n  };\n};\n", "a struct inside a struct")


if __name__ == "__main__":
    unittest.main()
