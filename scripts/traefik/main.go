// Writes the tables of what Traefik knows, from its sources:
//
//	go run main.go labels  3.0=DIR 3.1=DIR …   labels of services
//	go run main.go options 3.0=DIR 3.1=DIR …   what Traefik is started with
//
// Each DIR has the sources of a version, oldest first; a file in its place is a table already. Nothing is compiled and nothing of them is run: the fields of Traefik's
// configuration are read as Traefik's own parser of labels (paerser) reads them by reflection.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// How deep types are followed: none of Traefik's goes that far.
const deepest = 24

// What a version knows, by path: the kind of the value.
type table map[string]string

// The sources of a version.
type sources struct {
	root     string
	module   string
	packages map[string]*pkg
}

type pkg struct {
	path  string
	types map[string]declared
}

type declared struct {
	expr    ast.Expr
	imports map[string]string
}

// A type where it is written: names in it are those of its file.
type place struct {
	pkg     *pkg
	imports map[string]string
}

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: main.go labels|options VERSION=DIR …"))
	}
	var versions []string
	var tables []table
	for _, argument := range os.Args[2:] {
		version, dir, _ := strings.Cut(argument, "=")
		versions = append(versions, version)
		tables = append(tables, read(os.Args[1], dir))
	}
	for _, line := range merged(versions, tables) {
		fmt.Println(line)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// What one version knows.
func read(what, dir string) table {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return written(dir)
	}
	s := &sources{root: dir, module: module(dir), packages: map[string]*pkg{}}
	found := table{}
	switch what {
	case "labels":
		s.add(found, "traefik", s.named("pkg/config/dynamic", "Configuration"), true, 0)
		s.add(found, "traefik", s.named("pkg/provider/docker", "labelConfiguration", "configuration"), true, 0)
	case "options":
		s.add(found, "", s.named("pkg/config/static", "Configuration"), false, 0)
	default:
		fail(fmt.Errorf("%s: labels or options", what))
	}
	return found
}

// A table that is written by hand.
func written(path string) table {
	text, err := os.ReadFile(path)
	if err != nil {
		fail(err)
	}
	found := table{}
	for _, line := range strings.Split(string(text), "\n") {
		if path, kind, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			found[path] = kind
		}
	}
	return found
}

// One line for each path: its kind, the first version that knows it, and the first that knows it no more.
func merged(versions []string, tables []table) []string {
	paths := map[string]bool{}
	for _, known := range tables {
		for path := range known {
			paths[path] = true
		}
	}
	var lines []string
	for path := range paths {
		kind, since, until := "", "", ""
		for i, known := range tables {
			if its, ok := known[path]; ok {
				kind, until = its, ""
				if since == "" {
					since = versions[i]
				}
			} else if since != "" && until == "" {
				until = versions[i]
			}
		}
		line := path + " " + kind + " " + since
		if until != "" {
			line += " " + until
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return lines
}

func module(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		fail(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(strings.TrimPrefix(line, "module"))
}

func (s *sources) load(path string) *pkg {
	if known, ok := s.packages[path]; ok {
		return known
	}
	loaded := &pkg{path: path, types: map[string]declared{}}
	s.packages[path] = loaded
	files, _ := filepath.Glob(filepath.Join(s.root, path, "*.go"))
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			fail(err)
		}
		imports := importsOf(file)
		for _, decl := range file.Decls {
			if general, ok := decl.(*ast.GenDecl); ok {
				for _, spec := range general.Specs {
					if typed, ok := spec.(*ast.TypeSpec); ok {
						loaded.types[typed.Name.Name] = declared{typed.Type, imports}
					}
				}
			}
		}
	}
	return loaded
}

// The packages that a file imports, by the names that it has for them.
func importsOf(file *ast.File) map[string]string {
	imports := map[string]string{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = path
	}
	return imports
}

// A type with the place where it is written.
type located struct {
	expr ast.Expr
	place
}

// The first type of these names that a package has.
func (s *sources) named(path string, names ...string) located {
	from := s.load(path)
	for _, name := range names {
		if found, ok := from.types[name]; ok {
			return located{found.expr, place{from, found.imports}}
		}
	}
	fail(fmt.Errorf("%s has no type %s of %s", s.root, names, path))
	return located{}
}

// What a type is, with its name followed; the second value is a word for what is not followed.
func (s *sources) resolve(of located) (located, string) {
	for i := 0; i < deepest; i++ {
		switch expr := of.expr.(type) {
		case *ast.StarExpr:
			of.expr = expr.X
		case *ast.Ident:
			found, ok := of.pkg.types[expr.Name]
			if !ok {
				return of, expr.Name
			}
			of = located{found.expr, place{of.pkg, found.imports}}
		case *ast.SelectorExpr:
			path := of.imports[expr.X.(*ast.Ident).Name]
			if expr.Sel.Name == "Duration" {
				return of, "duration"
			}
			inside := strings.TrimPrefix(path, s.module+"/")
			if inside == path {
				return of, "foreign"
			}
			if _, ok := s.load(inside).types[expr.Sel.Name]; !ok {
				return of, "foreign"
			}
			of = s.named(inside, expr.Sel.Name)
		default:
			return of, ""
		}
	}
	return of, "foreign"
}

// Adds what stands below a path. With labels, a list of structures may be written as one structure.
func (s *sources) add(found table, path string, of located, isLabel bool, depth int) {
	if depth > deepest {
		return
	}
	of, word := s.resolve(of)
	if word != "" {
		found[path] = kind(word)
		return
	}
	switch expr := of.expr.(type) {
	case *ast.StructType:
		s.addFields(found, path, expr, of.place, isLabel, depth)
	case *ast.MapType:
		s.addMap(found, path, located{expr.Value, of.place}, isLabel, depth)
	case *ast.ArrayType:
		if items, word := s.resolve(located{expr.Elt, of.place}); word == "" {
			if _, ok := items.expr.(*ast.StructType); ok {
				s.add(found, path, items, isLabel, depth+1)
				return
			}
		}
		found[path] = "text"
	case *ast.InterfaceType:
		found[path+".**"] = "text"
	default:
		found[path] = "text"
	}
}

func (s *sources) addMap(found table, path string, value located, isLabel bool, depth int) {
	value, word := s.resolve(value)
	_, isAnything := value.expr.(*ast.InterfaceType)
	if isAnything || word == "any" || word == "string" || word == "foreign" {
		found[path+".**"] = "text"
		return
	}
	s.add(found, path+".*", value, isLabel, depth+1)
}

func (s *sources) addFields(found table, path string, of *ast.StructType, at place, isLabel bool, depth int) {
	for _, field := range of.Fields.List {
		tag := reflect.StructTag("")
		if field.Tag != nil {
			text, _ := strconv.Unquote(field.Tag.Value)
			tag = reflect.StructTag(text)
		}
		if len(field.Names) == 0 {
			if inner, word := s.resolve(located{field.Type, at}); word == "" {
				s.add(found, path, inner, isLabel, depth+1)
			}
			continue
		}
		for _, name := range field.Names {
			// What has a tag of a minus is passed over in silence by some readers, and is never what people mean.
			if !name.IsExported() || (tag.Get("label") == "-" && (isLabel || tag.Get("file") == "-")) {
				continue
			}
			word := strings.ToLower(name.Name)
			if as := tag.Get("label-slice-as-struct"); isLabel && as != "" {
				word = strings.ToLower(as)
			}
			below := word
			if path != "" {
				below = path + "." + word
			}
			s.add(found, below, located{field.Type, at}, isLabel, depth+1)
			if _, isValue := found[below]; tag.Get("label") == "allowEmpty" && !isValue {
				found[below] = "switch"
			}
		}
	}
}

// The kind of a value, by the name of its type.
func kind(word string) string {
	switch {
	case word == "bool":
		return "boolean"
	case word == "duration":
		return word
	case strings.HasPrefix(word, "int") || strings.HasPrefix(word, "uint"):
		return word
	case strings.HasPrefix(word, "float"):
		return "float"
	default:
		return "text"
	}
}
