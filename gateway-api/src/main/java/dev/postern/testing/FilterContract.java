package dev.postern.testing;

import dev.postern.BufferedBody;
import dev.postern.Checked;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Managed;
import dev.postern.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Checks what every filter owes the gateway, whatever it is for, by running it in front of chains that answer at once,
 * late, never, wrongly or twice:
 *
 * <ol>
 *   <li>it has a name, equals itself, and its {@link Checked#problems} are none;
 *   <li>it starts and stops ({@link Managed}), and asks only for state that it lists;
 *   <li>{@code apply} returns a stage and does not throw; the stage completes, with a response or a {@link
 *       GatewayException}, also for odd requests: {@code HEAD}, {@code OPTIONS}, no header, malformed query, cookies and
 *       credentials;
 *   <li>it does not block: neither {@code apply}, nor what runs when the chain answers, when time passes, when a body is
 *       read or when the exchange ends;
 *   <li>a body it replaces is read, cancelled or discarded; one that it wraps keeps length, trailers, demand and {@link
 *       BodyContract};
 *   <li>answers without a body (204, 304) stay without one; the tunnel of an upgrade (101) is passed on or discarded;
 *   <li>it proceeds again only after the chain has answered, with a body that can be read again, and with the response
 *       before discarded;
 *   <li>a failure of the chain reaches the caller: as itself, as the cause of another, or turned into a response;
 *   <li>what belongs to one exchange is not mixed with another that runs in between;
 *   <li>the end of an exchange, cut or whole, is survived, leaves no timer behind, and gives back every permit.
 * </ol>
 *
 * <p>A filter that lets only certain requests through is checked properly when it is given one:
 *
 * {@snippet class="dev.postern.testing.FilterContractTest" region="contract"}
 *
 * <p>Time is {@link ManualTime}: a second passes between two exchanges and, at the end, 32 days. So limits refill; what
 * they hold back meanwhile is no violation. No test framework is needed. Takes some tens of milliseconds.
 */
public final class FilterContract {
    private final Filter filter;
    private final List<Request> requests = new ArrayList<>();
    private UnaryOperator<FakeExchange> setting = UnaryOperator.identity();
    private FakeServices services = new FakeServices();
    private boolean started;

    private FilterContract(Filter filter) {
        this.filter = Objects.requireNonNull(filter, "filter");
    }

    /**
     * Checks filters with ordinary requests.
     *
     * @throws AssertionError listing every violation of every filter
     */
    public static void check(Filter... filters) {
        List<String> messages = new ArrayList<>();
        for (Filter filter : filters) {
            of(filter).report().ifPresent(messages::add);
        }
        if (!messages.isEmpty()) {
            throw new AssertionError(String.join("\n", messages));
        }
    }

    /** Begins the check of one filter; {@link #verify} carries it out. */
    public static FilterContract of(Filter filter) {
        return new FilterContract(filter);
    }

    /** Adds a request that the filter lets through; its body must be replayable. The default is a GET and a POST. */
    public FilterContract request(Request request) {
        if (!(request.body() instanceof BufferedBody)) {
            throw new IllegalArgumentException("request: its body can be read only once (expected: Body.of(…))");
        }
        requests.add(request);
        return this;
    }

    /** Says what every exchange is like: its route, path variables, client, upstreams. */
    public FilterContract exchange(UnaryOperator<FakeExchange> newSetting) {
        setting = Objects.requireNonNull(newSetting, "newSetting");
        return this;
    }

    /** What a {@link Managed} filter is started with; its time is also that of the exchanges. */
    public FilterContract services(FakeServices newServices) {
        services = Objects.requireNonNull(newServices, "newServices");
        return this;
    }

    /** The test starts and stops the filter itself. */
    public FilterContract alreadyStarted() {
        started = true;
        return this;
    }

    /**
     * Carries out the check.
     *
     * @throws AssertionError listing every violation
     */
    public void verify() {
        report().ifPresent(message -> {
            throw new AssertionError(message);
        });
    }

    private Optional<String> report() {
        Findings findings = new Findings();
        try (WatchedThread thread = new WatchedThread(place -> findings.add("blocks", place))) {
            new FilterTrial(filter, requests, setting, services, findings, thread).carryOut(!started);
        } catch (WatchedThread.Stuck stuck) {
            findings.add("does not come back", stuck.getMessage() + "; the check ends here");
        }
        return findings.report(shownName());
    }

    private String shownName() {
        String name = filter.name();
        return name == null || name.isBlank() ? filter.getClass().getName() : name;
    }
}
