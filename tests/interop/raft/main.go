// A raft server with HashiCorp's own module, over Consul's stream layer (connections begin with the byte 1). Its state is
// the list of its commands.
//
//	raft ID
//
// Prints its address, then obeys lines of its input:
//
//	servers ID=ADDRESS ...   starts with these voters
//	leader                   "true" if it leads
//	propose COUNT SIZE       so many commands; "ok" when all are applied here
//	count                    how many commands are applied, and a hash of them
//	snapshot                 "ok" once it is taken
//	transfer ID ADDRESS      hands leadership over
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

type layer struct{ net.Listener }

func (l layer) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		kind := make([]byte, 1)
		if _, err := io.ReadFull(connection, kind); err == nil && kind[0] == 1 {
			return connection, nil
		}
		connection.Close()
	}
}

func (l layer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	connection, err := net.DialTimeout("tcp", string(address), timeout)
	if err != nil {
		return nil, err
	}
	if _, err := connection.Write([]byte{1}); err != nil {
		connection.Close()
		return nil, err
	}
	return connection, nil
}

type lines struct {
	sync.Mutex
	all []string
}

func (l *lines) Apply(entry *raft.Log) interface{} {
	l.Lock()
	defer l.Unlock()
	l.all = append(l.all, string(entry.Data))
	return len(l.all)
}

func (l *lines) text() (int, string) {
	l.Lock()
	defer l.Unlock()
	var text strings.Builder
	for _, line := range l.all {
		text.WriteString(line + "\n")
	}
	return len(l.all), text.String()
}

type taken string

func (l *lines) Snapshot() (raft.FSMSnapshot, error) {
	_, text := l.text()
	return taken(text), nil
}

func (t taken) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write([]byte(t)); err != nil {
		sink.Cancel()
		return err
	}
	return sink.Close()
}

func (t taken) Release() {}

func (l *lines) Restore(from io.ReadCloser) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	l.Lock()
	defer l.Unlock()
	l.all = nil
	for _, line := range strings.SplitAfter(string(text), "\n") {
		if line != "" {
			l.all = append(l.all, strings.TrimSuffix(line, "\n"))
		}
	}
	return nil
}

func main() {
	log.SetFlags(0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	state := &lines{}
	var node *raft.Raft
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		words := strings.Fields(input.Text())
		switch words[0] {
		case "servers":
			node = start(os.Args[1], listener, state, words[1:])
			fmt.Println("ok")
		case "leader":
			fmt.Println(node.State() == raft.Leader)
		case "propose":
			var count, size int
			fmt.Sscan(words[1]+" "+words[2], &count, &size)
			fmt.Println(propose(node, count, size))
		case "count":
			count, text := state.text()
			fmt.Printf("%d %x\n", count, sha256.Sum256([]byte(text)))
		case "snapshot":
			fmt.Println(word(node.Snapshot().Error()))
		case "transfer":
			fmt.Println(word(node.LeadershipTransferToServer(raft.ServerID(words[1]), raft.ServerAddress(words[2])).Error()))
		}
	}
}

func word(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

func propose(node *raft.Raft, count, size int) string {
	var all []raft.ApplyFuture
	for i := 0; i < count; i++ {
		all = append(all, node.Apply([]byte(strings.Repeat("x", size)), 30*time.Second))
	}
	for _, future := range all {
		if err := future.Error(); err != nil {
			return err.Error()
		}
	}
	return "ok"
}

func start(id string, listener net.Listener, state *lines, servers []string) *raft.Raft {
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(id)
	config.TrailingLogs = 10
	config.SnapshotThreshold = 1 << 30
	config.Logger = hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Warn})
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: layer{listener}, MaxPool: 3, Timeout: 10 * time.Second, Logger: config.Logger})
	store := raft.NewInmemStore()
	snapshots := raft.NewInmemSnapshotStore()
	configuration := raft.Configuration{}
	for _, server := range servers {
		name, address, _ := strings.Cut(server, "=")
		configuration.Servers = append(configuration.Servers,
			raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(address)})
	}
	if err := raft.BootstrapCluster(config, store, store, snapshots, transport, configuration); err != nil {
		log.Fatal(err)
	}
	node, err := raft.NewRaft(config, state, store, store, snapshots, transport)
	if err != nil {
		log.Fatal(err)
	}
	return node
}
