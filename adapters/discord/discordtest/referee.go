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

// A referee holds bodies against Discord's OpenAPI document: https://github.com/discord/discord-api-spec.
type referee struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	paths    obj
	schemas  map[string]*jsonschema.Schema
}

// theReferee is one for all tests: reading the document takes a while.
var theReferee = sync.OnceValues(func() (*referee, error) {
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
	return &referee{compiler: c, paths: object(object(doc)["paths"]), schemas: map[string]*jsonschema.Schema{}}, nil
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

// newReferee is nil where SPECS_DIR has no document.
func newReferee(t testing.TB) *referee {
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

// validate holds a body against a part of a route: "requestBody", "responses/200". It may be called by many goroutines.
func (r *referee) validate(at route, part string, body []byte) error {
	method, path := at.split()
	where := "mem://discord.json#/paths/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path) +
		"/" + strings.ToLower(method) + "/" + part + "/content/application~1json/schema"
	if part == "error" {
		where = "mem://discord.json#/components/schemas/Error" // not ErrorResponse: its errors are numbers, and words in the documentation
	}
	r.mu.Lock()
	schema := r.schemas[where]
	if schema == nil {
		var err error
		if schema, err = r.compiler.Compile(where); err != nil {
			r.mu.Unlock()
			return err
		}
		r.schemas[where] = schema
	}
	r.mu.Unlock()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return terse(schema.Validate(value))
}

// takes tells whether a route takes a body.
func (r *referee) takes(at route) bool {
	method, path := at.split()
	return object(object(r.paths[path])[strings.ToLower(method)])["requestBody"] != nil
}

func (s *Server) checkBody(at route, r *request) error {
	if s.referee == nil || !s.referee.takes(at) {
		return nil
	}
	if len(r.bytes) == 0 {
		return errors.New("a body is missing")
	}
	return s.referee.validate(at, "requestBody", r.bytes)
}

// checkAnswer holds what this Discord answers against the document, too.
func (s *Server) checkAnswer(at route, a answer) {
	if s.referee == nil || a.body == nil {
		return
	}
	part := "responses/200"
	if a.status >= 400 {
		part = "error"
	}
	if err := s.referee.validate(at, part, compact(a.body)); err != nil {
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
