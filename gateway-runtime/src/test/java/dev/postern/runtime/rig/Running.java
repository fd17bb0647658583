package dev.postern.runtime.rig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.ExchangeObserver;
import dev.postern.Gateway;
import dev.postern.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A gateway of a {@link GatewayRig}. */
public final class Running {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Gateway gateway;
    private final Ends ends;
    private final GatewayRig rig;
    private final List<RawClient> clients = new CopyOnWriteArrayList<>();

    Running(Gateway gateway, Ends ends, GatewayRig rig) {
        this.gateway = gateway;
        this.ends = ends;
        this.rig = rig;
    }

    /** The gateway. */
    public Gateway gateway() {
        return gateway;
    }

    /** The port of its first listener. */
    public int port() {
        return gateway.listeners().get(0).port();
    }

    /** A new connection to it, closed after the test. */
    public RawClient client() throws IOException {
        RawClient client = new RawClient(port());
        clients.add(client);
        return client;
    }

    /** A new connection of HTTP/2 to it, closed after the test; settings as identifiers and values. */
    public RawHttp2 http2(int... settings) throws IOException {
        return rig.close(RawHttp2.client(port(), settings));
    }

    /** The outcomes so far. */
    public List<Outcome> outcomes() {
        return ends.outcomes();
    }

    /** The attempts that have ended so far. */
    public List<ExchangeObserver.Attempt> attempts() {
        return ends.attempts();
    }

    /** Counts only, for runs of many thousand requests. */
    public Running keepNothing() {
        ends.keepNothing();
        return this;
    }

    /** Waits until so many exchanges have ended; the last one's outcome. */
    public Outcome outcome(int count) {
        await().pollInterval(Duration.ofMillis(2))
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(ends.outcomes()).hasSizeGreaterThanOrEqualTo(count));
        return ends.outcomes().get(count - 1);
    }

    /** Waits for the first outcome. */
    public Outcome outcome() {
        return outcome(1);
    }

    /** Waits until nothing is held. */
    public void checkNothingHeld() {
        if (gateway.listeners().isEmpty() && !gateway.health().live()) {
            return;
        }
        await().pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(PATIENCE)
                .untilAsserted(() -> {
                    assertThat(GatewayRig.leases(gateway)).as("leases").isEqualTo("exchanges=0 attempts=0 kept=0");
                    assertThat(GatewayRig.inUse(gateway)).as("upstreams in use").isEmpty();
                });
    }

    void checkEnds() {
        assertThat(ends.toString()).as("exchanges").isEqualTo("open=0 endedTwice=0");
    }

    void closeClients() throws IOException {
        for (RawClient client : clients) {
            client.close();
        }
    }

    /** The rig it belongs to. */
    public GatewayRig rig() {
        return rig;
    }
}
