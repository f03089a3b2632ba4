// A member of a pool, as memberlist makes it: commands come in lines, what happens goes out in lines (see
// memberlist_test.py).
//
//	member -name go1 -ip 127.0.0.1 [-key HEX] [-label TEXT]
package main

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

type member struct {
	name string
	list *memberlist.Memberlist
	lock sync.Mutex
	meta []byte
	out  sync.Mutex
}

func (m *member) say(words ...string) {
	m.out.Lock()
	defer m.out.Unlock()
	fmt.Println(strings.Join(words, " "))
}

func (m *member) NodeMeta(int) []byte {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.meta
}
func (m *member) NotifyMsg(message []byte)          { m.say("message", string(message)) }
func (m *member) GetBroadcasts(int, int) [][]byte   { return nil }
func (m *member) LocalState(bool) []byte            { return []byte("state-of-" + m.name) }
func (m *member) MergeRemoteState(b []byte, _ bool) { m.say("merged", string(b)) }
func (m *member) NotifyJoin(node *memberlist.Node)  { m.say("joined", node.Name) }
func (m *member) NotifyLeave(node *memberlist.Node) { m.say("gone", node.Name) }
func (m *member) NotifyUpdate(node *memberlist.Node) {
	m.say("updated", node.Name, string(node.Meta))
}
func (m *member) AckPayload() []byte { return []byte("ack-of-" + m.name) }
func (m *member) NotifyPingComplete(other *memberlist.Node, _ time.Duration, payload []byte) {
	m.say("ping", other.Name, string(payload))
}

func (m *member) find(name string) *memberlist.Node {
	for _, node := range m.list.Members() {
		if node.Name == name {
			return node
		}
	}
	return nil
}

func (m *member) run(command []string) {
	switch {
	case command[0] == "join":
		count, err := m.list.Join(command[1:])
		m.say("outcome", strconv.Itoa(count), strings.Join(strings.Fields(fmt.Sprint(err)), " "))
	case command[0] == "send" && m.find(command[1]) != nil:
		_ = m.list.SendBestEffort(m.find(command[1]), []byte(command[2]))
	case command[0] == "stream" && m.find(command[1]) != nil:
		_ = m.list.SendReliable(m.find(command[1]), []byte(command[2]))
	case command[0] == "meta":
		m.lock.Lock()
		m.meta = []byte(command[1])
		m.lock.Unlock()
		_ = m.list.UpdateNode(5 * time.Second)
	case command[0] == "members":
		var names []string
		for _, node := range m.list.Members() {
			names = append(names, node.Name)
		}
		sort.Strings(names)
		m.say(append([]string{"members"}, names...)...)
	case command[0] == "leave":
		m.say("leaving", fmt.Sprint(m.list.Leave(5*time.Second)))
	}
}

func main() {
	name := flag.String("name", "go", "")
	ip := flag.String("ip", "127.0.0.1", "")
	key := flag.String("key", "", "")
	label := flag.String("label", "", "")
	flag.Parse()

	m := &member{name: *name}
	config := memberlist.DefaultLocalConfig()
	config.Name = *name
	config.BindAddr = *ip
	config.BindPort = 0
	config.AdvertisePort = 0
	config.Label = *label
	config.DelegateProtocolMin, config.DelegateProtocolVersion, config.DelegateProtocolMax = 2, 4, 5
	config.Delegate, config.Events, config.Ping = m, m, m
	config.PushPullInterval = time.Second
	config.ProbeInterval, config.ProbeTimeout = 300*time.Millisecond, 150*time.Millisecond
	config.LogOutput = io.Discard
	if os.Getenv("VERBOSE") != "" {
		config.LogOutput = os.Stderr
	}
	if *key != "" {
		secret, err := hex.DecodeString(*key)
		if err != nil {
			panic(err)
		}
		config.SecretKey = secret
	}
	list, err := memberlist.Create(config)
	if err != nil {
		panic(err)
	}
	m.list = list
	node := list.LocalNode()
	m.say("ready", fmt.Sprintf("%s:%d", node.Addr, node.Port))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		if command := strings.Fields(lines.Text()); len(command) > 0 {
			m.run(command)
		}
	}
}
