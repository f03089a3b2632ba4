// Prints the targets that Prometheus' own service discovery finds at an agent: one JSON document for every update, as
// {"targets": {"web": ["10.0.0.1:80"]}, "tags": {"web": ",a,b,"}}, services without targets left out.
//
//	discover 127.0.0.1:8500 web db
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"syscall"
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/consul"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

type found struct {
	Targets map[string][]string `json:"targets"`
	Tags    map[string]string   `json:"tags"`
}

func show(groups map[string]*targetgroup.Group) error {
	all := found{Targets: map[string][]string{}, Tags: map[string]string{}}
	for _, group := range groups {
		for _, target := range group.Targets {
			service := string(target["__meta_consul_service"])
			if service == "" {
				service = string(group.Labels["__meta_consul_service"])
			}
			all.Targets[service] = append(all.Targets[service], string(target[model.AddressLabel]))
			all.Tags[service] = string(target["__meta_consul_tags"])
		}
	}
	for _, targets := range all.Targets {
		sort.Strings(targets)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

func run() error {
	if len(os.Args) < 2 {
		return fmt.Errorf("usage: discover ADDRESS [SERVICE...]")
	}
	settings := consul.DefaultSDConfig
	settings.Server = os.Args[1]
	settings.Services = os.Args[2:]
	settings.RefreshInterval = model.Duration(100 * time.Millisecond) // how long it rests between two waits
	settings.HTTPClientConfig = config.DefaultHTTPClientConfig
	discovery, err := consul.NewDiscovery(&settings, nil)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	updates := make(chan []*targetgroup.Group)
	go discovery.Run(ctx, updates)
	known := map[string]*targetgroup.Group{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case groups := <-updates:
			for _, group := range groups {
				if group != nil {
					known[group.Source] = group
				}
			}
			if err := show(known); err != nil {
				return err
			}
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
