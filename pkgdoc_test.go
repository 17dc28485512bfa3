package dspool_test

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// sourcePackages parses the non-test files of every package below this folder.
func sourcePackages(t *testing.T) (*token.FileSet, map[string][]*ast.File) {
	t.Helper()
	fset, packages := token.NewFileSet(), map[string][]*ast.File{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err == nil {
			packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fset, packages
}

func TestEveryPackageHasOneDoc(t *testing.T) {
	t.Parallel()
	fset, packages := sourcePackages(t)
	for dir, files := range packages {
		var documented []string
		for _, f := range files {
			if f.Doc != nil {
				documented = append(documented, fset.Position(f.Package).Filename)
			}
		}
		if len(documented) != 1 {
			t.Errorf("%s: the package is documented in %d files, want 1: %v", dir, len(documented), documented)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	fset, packages := sourcePackages(t)
	for dir, files := range packages {
		public := !strings.Contains(filepath.ToSlash(dir)+"/", "internal/")
		for _, f := range files {
			if f.Name.Name == "main" {
				continue
			}
			for _, decl := range f.Decls {
				for _, name := range undocumented(decl, public) {
					t.Errorf("%s: %s has no comment", fset.Position(name.Pos()), name.Name)
				}
			}
		}
	}
}

// undocumented returns the exported names of a declaration that lack a comment;
// in public packages also the members of types that are read one by one.
func undocumented(decl ast.Decl, public bool) []*ast.Ident {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		var out []*ast.Ident
		for _, spec := range d.Specs {
			out = append(out, undocumentedSpec(d, spec, public)...)
		}
		return out
	}
	return nil
}

// exportedReceiver reports whether a function is reachable from outside.
// Methods of unexported types satisfy interfaces, whose comments hold.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// undocumentedSpec looks at types, constants and variables. A comment on a group
// of constants or variables holds for all of them.
func undocumentedSpec(d *ast.GenDecl, spec ast.Spec, public bool) []*ast.Ident {
	var out []*ast.Ident
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return nil
		}
		if s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
			out = append(out, s.Name)
		}
		if public {
			out = append(out, undocumentedMembers(s)...)
		}
		return out
	case *ast.ValueSpec:
		if d.Doc != nil || s.Doc != nil || s.Comment != nil {
			return nil
		}
		for _, name := range s.Names {
			if name.IsExported() {
				out = append(out, name)
			}
		}
	}
	return out
}

// undocumentedMembers looks at the methods of interfaces, and at the fields of
// configurations, which are read one by one.
func undocumentedMembers(s *ast.TypeSpec) []*ast.Ident {
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.InterfaceType:
		fields = t.Methods
	case *ast.StructType:
		if !strings.HasSuffix(s.Name.Name, "Config") && s.Name.Name != "LM" {
			return nil
		}
		fields = t.Fields
	default:
		return nil
	}
	var out []*ast.Ident
	for _, field := range fields.List {
		for _, name := range field.Names {
			if name.IsExported() && field.Doc == nil && field.Comment == nil {
				out = append(out, name)
			}
		}
	}
	return out
}

// Comments link to names in brackets; a link to a name that is gone is a
// promise about nothing. Only this package's own unqualified links are checked.
func TestLinksInCommentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	fset, packages := sourcePackages(t)
	for _, files := range packages {
		names := declared(files)
		for _, f := range files {
			for _, group := range f.Comments {
				for _, link := range links(group.Text(), names) {
					t.Errorf("%s: the comment links to %s, which does not exist", fset.Position(group.Pos()), link)
				}
			}
		}
	}
}

// declared lists the names of a package: "Name" and "Type.Method".
func declared(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					name = receiverName(d.Recv.List[0].Type) + "." + name
				}
				names[name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					declareSpec(spec, names)
				}
			}
		}
	}
	return names
}

func receiverName(t ast.Expr) string {
	name := ""
	ast.Inspect(t, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name
}

func declareSpec(spec ast.Spec, names map[string]bool) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		ast.Inspect(s.Type, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok {
				for _, name := range field.Names {
					names[s.Name.Name+"."+name.Name] = true
				}
			}
			return true
		})
	case *ast.ValueSpec:
		for _, name := range s.Names {
			names[name.Name] = true
		}
	}
}

// links returns the unqualified links of a comment that lead to no name.
func links(text string, names map[string]bool) []string {
	var p comment.Parser
	p.LookupSym = func(recv, name string) bool { return true }
	var broken []string
	for _, block := range p.Parse(text).Content {
		paragraph, ok := block.(*comment.Paragraph)
		if !ok {
			continue
		}
		for _, part := range paragraph.Text {
			link, ok := part.(*comment.DocLink)
			if !ok || link.ImportPath != "" {
				continue
			}
			name := link.Name
			if link.Recv != "" {
				name = link.Recv + "." + name
			}
			if !names[name] {
				broken = append(broken, "["+name+"]")
			}
		}
	}
	return broken
}
