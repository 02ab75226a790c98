package discord

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A referee holds bodies against Discord's own OpenAPI document (https://github.com/discord/discord-api-spec), which is read from
// SPECS_DIR/discord-openapi.json. Without it, it lets everything pass.
type referee struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	paths    map[string]any
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
	return &referee{compiler: c, paths: doc.(map[string]any)["paths"].(map[string]any), schemas: map[string]*jsonschema.Schema{}}, nil
})

// relax takes default_member_permissions as a string, too: the documentation has it so, and it wins.
func relax(node any) {
	switch node := node.(type) {
	case map[string]any:
		if properties, ok := node["properties"].(map[string]any); ok && properties["default_member_permissions"] != nil {
			properties["default_member_permissions"] = map[string]any{"type": []any{"string", "integer", "null"}, "pattern": "^[0-9]+$"}
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

func newReferee(t testing.TB) *referee {
	if os.Getenv("SPECS_DIR") == "" {
		return nil
	}
	r, err := theReferee()
	require.NoError(t, err)
	return r
}

// check holds a body against an operation. Whether the operation takes one is a part of it.
func (r *referee) check(route, method string, body []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	item, _ := r.paths[route].(map[string]any)
	operation, ok := item[method].(map[string]any)
	if !ok {
		return assert.AnError
	}
	if operation["requestBody"] == nil || len(body) == 0 {
		if operation["requestBody"] != nil || len(body) > 0 {
			return assert.AnError
		}
		return nil
	}
	return r.validate(route, method, "requestBody", body)
}

// validate holds a body against a part of an operation: requestBody, or responses/200.
func (r *referee) validate(route, method, part string, body []byte) error {
	where := "mem://discord.json#/paths/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(route) +
		"/" + method + "/" + part + "/content/application~1json/schema"
	schema := r.schemas[where]
	if schema == nil {
		var err error
		if schema, err = r.compiler.Compile(where); err != nil {
			return err
		}
		r.schemas[where] = schema
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func (d *fakeDiscord) check(route, method string, body []byte) {
	if d.referee != nil {
		assert.NoError(d.t, d.referee.check(route, method, body), "%s %s %s", method, route, body)
	}
}

// checkAnswer holds what the fake answers against the document.
func (d *fakeDiscord) checkAnswer(route, method string, body []byte) {
	if d.referee != nil {
		d.referee.mu.Lock()
		defer d.referee.mu.Unlock()
		assert.NoError(d.t, d.referee.validate(route, method, "responses/200", body), "%s %s %s", method, route, body)
	}
}

func TestReferee(t *testing.T) {
	r := newReferee(t)
	if r == nil {
		t.Skip("SPECS_DIR is not set: requests are not held against Discord's OpenAPI document")
	}
	const commands, message = "/applications/{application_id}/commands", "/webhooks/{webhook_id}/{webhook_token}"
	for _, test := range []struct {
		name, route, method, body string
		ok                        bool
	}{
		{"command", commands, "put", `[{"type":1,"name":"mute","description":"x","default_member_permissions":"0"}]`, true},
		{"description too long", commands, "put", `[{"type":1,"name":"mute","description":"` + strings.Repeat("x", 101) + `"}]`, false},
		{"option without description", commands, "put", `[{"type":1,"name":"mute","description":"x","options":[{"type":3,"name":"room"}]}]`, false},
		{"message", message, "post", `{"content":"x","allowed_mentions":{"parse":[]}}`, true},
		{"message too long", message, "post", `{"content":"` + strings.Repeat("x", 2001) + `"}`, false},
		{"no such route", "/nowhere", "get", ``, false},
		{"a body where there is none", "/applications/@me", "get", `{}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.ok, r.check(test.route, test.method, []byte(test.body)) == nil)
		})
	}
}
