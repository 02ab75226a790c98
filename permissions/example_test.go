package permissions_test

import (
	"errors"
	"fmt"
	"os"

	"roomwarden/permissions"
)

func ExamplePolicy_Allow() {
	file, _ := os.ReadFile("testdata/policy.yaml")
	policy, err := permissions.Parse(file, permissions.Vocabulary{
		Rights:  []permissions.Right{"mute", "unmute", "room"},
		Changes: []permissions.Right{"mute", "delayclose"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	zhangsan := permissions.Subject{Platform: permissions.Slack, Space: "T0123", User: "U0456"}
	grant, err := policy.Allow(zhangsan, "mute", 123)
	fmt.Println(grant.Moderator, "acts as", grant.AccID, err)

	lisi := permissions.Subject{Platform: permissions.Slack, Space: "T0123", User: "U0001", Name: "Zhang San"}
	_, err = policy.Allow(lisi, "mute", 123)
	fmt.Println(err)
	if denied, ok := errors.AsType[*permissions.Denied](err); ok {
		fmt.Println("ask", denied.Ask)
	}

	// Output:
	// Zhang San acts as zhangsan <nil>
	// permission denied: mute in room 123: no entry names this person
	// ask [Zhang San]
}
