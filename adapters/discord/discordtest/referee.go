package discordtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// A Referee holds bodies against Discord's OpenAPI document (https://github.com/discord/discord-api-spec), which is read from
// SPECS_DIR/discord-openapi.json. nil, which NewReferee returns without it, lets everything pass. It may be used by many goroutines.
type Referee struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	paths    obj
	schemas  map[string]*jsonschema.Schema
}

// theReferee is one for all tests: reading the document takes a while.
var theReferee = sync.OnceValues(func() (*Referee, error) {
	file, err := os.Open(filepath.Join(os.Getenv("SPECS_DIR"), "discord-openapi.json"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		return nil, err
	}
	relax(doc)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("mem://discord.json", doc); err != nil {
		return nil, err
	}
	return &Referee{compiler: c, paths: object(object(doc)["paths"]), schemas: map[string]*jsonschema.Schema{}}, nil
})

// relax takes default_member_permissions as a string, too: the documentation has it so, and it wins.
func relax(node any) {
	switch node := node.(type) {
	case obj:
		if properties := object(node["properties"]); properties["default_member_permissions"] != nil {
			properties["default_member_permissions"] = obj{"type": []any{"string", "integer", "null"}, "pattern": "^[0-9]+$"}
		}
		for _, child := range node {
			relax(child)
		}
	case []any:
		for _, child := range node {
			relax(child)
		}
	}
}

// NewReferee reads the document once for all tests; nil where there is none.
func NewReferee(t testing.TB) *Referee {
	t.Helper()
	if os.Getenv("SPECS_DIR") == "" {
		return nil
	}
	r, err := theReferee()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatalf("discord: %v", err)
	}
	return r
}

// Request tells what is wrong with the body of a call, or with that there is one or none. name is that of a route, such as PutGlobal.
func (r *Referee) Request(name string, body []byte) error {
	if r == nil {
		return nil
	}
	method, path, _ := strings.Cut(name, " ")
	call := object(object(r.paths[path])[strings.ToLower(method)])
	switch takes := call["requestBody"] != nil; {
	case call == nil:
		return fmt.Errorf("there is no %s", name)
	case takes && len(body) == 0:
		return errors.New("a body is missing")
	case !takes && len(body) > 0:
		return errors.New("a body where none is taken")
	case !takes:
		return nil
	}
	return r.validate(operation(name)+"/requestBody"+ofJSON, body)
}

// Answer tells what is wrong with the body of an answer to a call.
func (r *Referee) Answer(name string, status int, body []byte) error {
	switch {
	case r == nil:
		return nil
	case status >= 400:
		return r.validate("/components/schemas/Error", body) // not ErrorResponse: its errors are numbers, and words in the documentation
	}
	return r.validate(operation(name)+"/responses/200"+ofJSON, body)
}

const ofJSON = "/content/application~1json/schema"

// operation is where the document describes a route.
func operation(name string) string {
	method, path, _ := strings.Cut(name, " ")
	return "/paths/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path) + "/" + strings.ToLower(method)
}

func (r *Referee) validate(where string, body []byte) error {
	schema, err := r.schema("mem://discord.json#" + where)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return terse(schema.Validate(value))
}

func (r *Referee) schema(where string) (*jsonschema.Schema, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.schemas[where]; known != nil {
		return known, nil
	}
	schema, err := r.compiler.Compile(where)
	r.schemas[where] = schema
	return schema, err
}

// checkAnswer holds what this Discord answers against the document, too.
func (s *Server) checkAnswer(at route, a answer) {
	if a.body == nil {
		return
	}
	if err := s.referee.Answer(at.name, a.status, compact(a.body)); err != nil {
		s.t.Errorf("discord: a mistake of discordtest: its answer to %s: %v: %s", at.name, err, compact(a.body))
	}
}

// terse is a validation's error without the branches of unions that were not meant.
func terse(err error) error {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return err
	}
	var all []string
	var walk func(v *jsonschema.ValidationError)
	walk = func(v *jsonschema.ValidationError) {
		causes := v.Causes
		switch v.ErrorKind.(type) {
		case *kind.AnyOf, *kind.OneOf:
			causes = meant(causes)
		}
		if len(causes) == 0 {
			_, why, _ := strings.Cut(v.Error()[strings.LastIndex(v.Error(), "\n")+1:], "': ")
			all = append(all, "/"+strings.Join(v.InstanceLocation, "/")+": "+why)
		}
		for _, c := range causes {
			walk(c)
		}
	}
	walk(v)
	if len(all) > 4 {
		all = append(all[:4], fmt.Sprintf("and %d more", len(all)-4))
	}
	return errors.New(strings.Join(all, "; "))
}

// meant leaves out the branches of a union that failed by another type or style, or wanted only null.
func meant(branches []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	var kept []*jsonschema.ValidationError
	for _, b := range branches {
		if !isOther(b, len(b.InstanceLocation)) {
			kept = append(kept, b)
		}
	}
	if len(kept) == 0 {
		return branches
	}
	return kept
}

func isOther(v *jsonschema.ValidationError, depth int) bool {
	last := ""
	if n := len(v.InstanceLocation); n == depth+1 {
		last = v.InstanceLocation[n-1]
	}
	switch k := v.ErrorKind.(type) {
	case *kind.Const, *kind.Enum:
		if last == "type" || last == "style" {
			return true
		}
	case *kind.Type:
		if len(v.InstanceLocation) == depth && len(k.Want) == 1 && k.Want[0] == "null" {
			return true
		}
	}
	for _, c := range v.Causes {
		if isOther(c, depth) {
			return true
		}
	}
	return false
}
