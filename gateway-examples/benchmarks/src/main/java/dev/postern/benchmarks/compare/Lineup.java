package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The proxies that a row compares. Who is not there or does not start is named and left out. */
final class Lineup implements AutoCloseable {
    private final Contestants contestants;
    private final Bench bench;
    private final List<Peer> peers = new ArrayList<>();

    private interface Start {
        Peer peer() throws IOException, InterruptedException;
    }

    Lineup(Contestants contestants, Bench bench) {
        this.contestants = contestants;
        this.bench = bench;
    }

    Lineup raw(String... properties) throws InterruptedException {
        return java("raw", RawVertxPeer.class, properties);
    }

    Lineup postern(String... properties) throws InterruptedException {
        return java("postern", PosternPeer.class, properties);
    }

    Lineup java(String name, Class<?> main, String... properties) throws InterruptedException {
        return start(name, () -> contestants.java(name, main, properties));
    }

    Lineup small(String name, Class<?> main, String... properties) throws InterruptedException {
        return start(name, () -> contestants.small(name, main, properties));
    }

    Lineup nginx() throws InterruptedException {
        return nginx("", "");
    }

    Lineup nginx(String listen, String tls) throws InterruptedException {
        return start("nginx", () -> {
            needs("nginx");
            return contestants.nginx("nginx", listen, tls);
        });
    }

    Lineup haproxy() throws InterruptedException {
        return start("haproxy", () -> {
            needs("haproxy");
            return contestants.haproxy();
        });
    }

    Lineup spring() throws InterruptedException {
        return start("spring-cloud-gateway", () -> {
            Path jars = bench.settings().spring();
            if (jars == null) {
                throw new IOException("its jars are not there: see docs/performance.md for how to get them");
            }
            return contestants.spring(jars);
        });
    }

    private static void needs(String program) throws IOException {
        if (!Contestants.isInstalled(program)) {
            throw new IOException(program + " is not installed");
        }
    }

    private Lineup start(String name, Start start) throws InterruptedException {
        try {
            peers.add(start.peer());
        } catch (IOException absent) {
            bench.leaveOut(name, absent);
        }
        return this;
    }

    List<Peer> peers() {
        return List.copyOf(peers);
    }

    /** One of them. */
    Peer peer(String name) throws IOException {
        return peers.stream()
                .filter(peer -> peer.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IOException(name + " does not run"));
    }

    /** Ends one of them before the others. */
    void end(Peer peer) {
        peers.remove(peer);
        peer.close();
    }

    @Override
    public void close() {
        peers.forEach(Peer::close);
        peers.clear();
    }
}
