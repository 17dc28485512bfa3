// Package examples holds programs to start from: quickstart, a typed question;
// ownpython, Python of one's own; batch, many questions at once. The folder
// python holds the Python code that they and `dspool demo` call.
package examples
