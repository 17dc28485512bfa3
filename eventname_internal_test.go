package dspool

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

func TestDottedNamesCoverEveryEventKind(t *testing.T) {
	t.Parallel()
	for _, kind := range eventKinds(t) {
		if eventName(kind).name == "" {
			t.Errorf("%s is not in the table of eventname.go", kind)
		}
	}
}

// eventKinds reads the kinds from their declaration.
func eventKinds(t *testing.T) (kinds []PoolEventKind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "poolevent.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typed, ok := spec.Type.(*ast.Ident); ok && typed.Name == "PoolEventKind" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, PoolEventKind(value))
		}
		return true
	})
	if len(kinds) < 20 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	return kinds
}
