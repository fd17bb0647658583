package dev.postern.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Call;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.TimeSource;
import dev.postern.traffic.AggregatePlan.Step;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The calls of one aggregated answer, from the first sent to the last settled. Everything happens on the event loop of the
 * exchange, so nothing here is guarded.
 *
 * <pre>
 *   waiting ──(all it needs settled)──▶ under way ──▶ settled: succeeded or failed
 *                                                      │
 *                    required one failed: cancel all, answer ◀┤
 *                              all settled: merge, answer ◀───┘
 * </pre>
 */
final class AggregateRun {
    private static final System.Logger LOG = System.getLogger(AggregateRun.class.getName());

    private static final String TIMEOUT = "timeout";
    private static final String BAD_VALUE = "bad_value";
    private static final String NOT_JSON = "not_json";

    // On routes without a timeout: what other routes have by default.
    private static final Duration WITHOUT_DEADLINE = Duration.ofSeconds(30);
    private static final Duration ENDLESS = Duration.ofDays(366);

    // Reading so much JSON takes some 100 µs; more does not belong on an event loop.
    private static final int ON_LOOP_BYTES = 64 << 10;

    private final List<Step> steps;
    private final Aggregate aggregate;
    private final Request request;
    private final Exchange exchange;
    private final CompletableFuture<Response> answer = new CompletableFuture<>();
    private final Map<String, JsonNode> values = new HashMap<>();
    private final @Nullable LegResult[] results;
    private final @Nullable Call[] calls;
    private final TimeSource.@Nullable Timer[] timers;
    private final boolean[] started;
    private final boolean[] settled;
    private TimeSource.@Nullable Timer deadline;
    private int open;
    private long bytesRead;
    // Nothing new is sent: the deadline has passed.
    private boolean late;
    // What arrives now is of no use any more: answered, or the exchange has ended.
    private boolean over;

    AggregateRun(AggregatePlan plan, Aggregate aggregate, Request request, Exchange exchange) {
        this.aggregate = aggregate;
        this.request = request;
        this.exchange = exchange;
        steps = plan.steps();
        results = new LegResult[steps.size()];
        calls = new Call[steps.size()];
        timers = new TimeSource.Timer[steps.size()];
        started = new boolean[steps.size()];
        settled = new boolean[steps.size()];
        open = steps.size();
    }

    CompletionStage<Response> start() {
        exchange.onEnd(outcome -> {
            release();
            answer.completeExceptionally(new GatewayException(Failure.CLIENT_GONE, "the exchange has ended"));
        });
        deadline = after(budget(), this::deadlinePassed);
        guarded(this::startWhatCan);
        return answer;
    }

    private Duration budget() {
        Duration remaining = exchange.remaining();
        Duration most = remaining.compareTo(ENDLESS) > 0
                ? WITHOUT_DEADLINE
                : remaining.dividedBy(10).multipliedBy(9);
        Duration own = aggregate.timeout();
        return own == null || own.compareTo(most) > 0 ? most : own;
    }

    private void startWhatCan() {
        for (int i = 0; i < steps.size() && !late && !over; i++) {
            if (!started[i] && steps.get(i).needs().stream().allMatch(need -> results[need] != null)) {
                started[i] = true;
                send(i);
            }
        }
    }

    private void send(int i) {
        Step step = steps.get(i);
        for (int need : step.needs()) {
            LegResult needed = Objects.requireNonNull(results[need]);
            // A default stands in for a result; null does not.
            if (!needed.ok() && steps.get(need).leg().onFailure() != Leg.OnFailure.DEFAULT) {
                fail(i, "skipped", 502, 0, "needs " + needed);
                return;
            }
        }
        Request outgoing;
        try {
            outgoing = request(step);
        } catch (UnusableValue unusable) {
            fail(i, BAD_VALUE, unusable.fromClient() ? 400 : 502, 0, String.valueOf(unusable.getMessage()));
            return;
        }
        Duration timeout = step.leg().timeout();
        if (timeout != null) {
            timers[i] = after(timeout, () -> fail(i, TIMEOUT, 504, 0, "no answer within " + timeout));
        }
        Call call = exchange.call(step.leg().upstream(), outgoing);
        calls[i] = call;
        call.response().whenComplete((response, failure) -> guarded(() -> head(i, response, failure)));
    }

    private Request request(Step step) {
        Leg leg = step.leg();
        String target = step.target().fill(reference -> reference.text(request, exchange, values));
        Headers headers = Headers.EMPTY.edit(all -> {
            for (Map.Entry<String, String> line : request.headers()) {
                if (leg.forwarded().contains(line.getKey().toLowerCase(Locale.ROOT))) {
                    all.add(line.getKey(), line.getValue());
                }
            }
            if (all.get("Accept") == null) {
                all.add("Accept", "application/json");
            }
            leg.headers().forEach(line -> all.set(line.getKey(), line.getValue()));
        });
        Request outgoing = Request.of(leg.method(), target).withHeaders(headers);
        if (step.body() == null) {
            return outgoing;
        }
        byte[] json = step.body().fill(reference -> reference.value(request, exchange, values));
        return outgoing.withHeader("Content-Type", "application/json").withBody(Body.of(json));
    }

    private void head(int i, @Nullable Response response, @Nullable Throwable failure) {
        if (settled[i] || over) {
            if (response != null) {
                response.body().discard();
            }
            return;
        }
        if (response == null) {
            failed(i, Objects.requireNonNull(failure), 0);
            return;
        }
        Leg leg = steps.get(i).leg();
        int status = response.status();
        if (!leg.accepts(status)) {
            response.body().discard();
            fail(i, "status_" + status, leg.passesOn(status) ? status : 502, status, "status " + status);
        } else if (status == 204 || status == 205) {
            response.body().discard();
            succeed(i, response, NullNode.instance);
        } else if (!isJson(response)) {
            response.body().discard();
            fail(
                    i,
                    NOT_JSON,
                    502,
                    status,
                    "content type " + response.header("Content-Type") + ", coding "
                            + response.header("Content-Encoding"));
        } else {
            response.body()
                    .buffer(leg.maxBytes())
                    .whenComplete((body, broken) -> guarded(() -> body(i, response, body, broken)));
        }
    }

    private void body(int i, Response response, @Nullable BufferedBody body, @Nullable Throwable failure) {
        if (settled[i] || over) {
            return;
        }
        if (body == null) {
            failed(i, Objects.requireNonNull(failure), response.status());
            return;
        }
        bytesRead += body.length();
        onOrOffLoop(body.length(), () -> Json.read(body.bytes()), (json, failed) -> read(i, response, json, failed));
    }

    private void read(int i, Response response, @Nullable JsonNode json, @Nullable Throwable failure) {
        if (settled[i] || over) {
            return;
        }
        if (failure != null) {
            failed(i, failure, response.status());
        } else if (json == null) {
            fail(i, NOT_JSON, 502, response.status(), "not JSON");
        } else if (aggregate.merge() instanceof Aggregate.Merge.Shallow && !json.isObject() && !json.isNull()) {
            fail(i, "not_an_object", 502, response.status(), "a result that is no object");
        } else {
            succeed(i, response, json);
        }
    }

    private void succeed(int i, Response response, JsonNode json) {
        settled[i] = true;
        settle(i, new LegResult(steps.get(i).leg().name(), null, response.status(), response.headers(), json));
    }

    private void failed(int i, Throwable failure, int status) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (cause instanceof GatewayException known) {
            fail(
                    i,
                    known.reason(),
                    known.failure().status() == 504 ? 504 : 502,
                    status,
                    String.valueOf(known.getMessage()));
        } else {
            fail(i, "internal", 502, status, cause.toString());
        }
    }

    /** @param answered the status of the whole answer when this call is required */
    private void fail(int i, String code, int answered, int status, String why) {
        if (settled[i] || over) {
            return;
        }
        settled[i] = true;
        Leg leg = steps.get(i).leg();
        LOG.log(
                Level.DEBUG,
                () -> "exchange " + exchange.id() + ": call \"" + leg.name() + "\" failed: " + code + " (" + why + ")");
        cancel(i);
        // What the client got wrong is told, also where the answer could do without.
        if (leg.onFailure() == Leg.OnFailure.FAIL || answered == 400) {
            release();
            answer.complete(
                    Response.problem(answered, "aggregate_failed", "call \"" + leg.name() + "\" failed: " + code));
            return;
        }
        settle(
                i,
                new LegResult(
                        leg.name(), code, status, Headers.EMPTY, steps.get(i).fallback()));
    }

    private void settle(int i, LegResult result) {
        results[i] = result;
        calls[i] = null;
        stop(timers[i]);
        timers[i] = null;
        values.put(result.name(), result.node());
        open--;
        if (open > 0) {
            startWhatCan();
        } else {
            merge();
        }
    }

    private void merge() {
        stop(deadline);
        Map<String, LegResult> all = new LinkedHashMap<>();
        for (LegResult result : results) {
            all.put(Objects.requireNonNull(result).name(), result);
        }
        if (aggregate.merge() instanceof Aggregate.Merge.Named named) {
            answer.complete(named.function().apply(all));
            return;
        }
        onOrOffLoop(bytesRead, () -> Json.bytes(merged(all)), (json, failure) -> {
            if (json == null) {
                answer.completeExceptionally(Objects.requireNonNull(failure));
                return;
            }
            boolean complete = all.values().stream().allMatch(LegResult::ok);
            Headers headers =
                    complete ? aggregate.headers() : aggregate.headers().with("Cache-Control", "no-store");
            answer.complete(Response.of(200).withHeaders(headers).withBody(Body.of(json)));
        });
    }

    private ObjectNode merged(Map<String, LegResult> all) {
        ObjectNode merged = JsonNodeFactory.instance.objectNode();
        ArrayNode errors = JsonNodeFactory.instance.arrayNode();
        for (LegResult result : all.values()) {
            if (!result.ok()) {
                errors.addObject().put("call", result.name()).put("code", result.failure());
            }
            if (aggregate.merge() instanceof Aggregate.Merge.Members) {
                merged.set(result.name(), result.node());
            } else if (result.node() instanceof ObjectNode object) {
                merged.setAll(object);
            }
        }
        // Ours alone: an upstream cannot make a complete answer look incomplete, nor the other way round.
        merged.remove(Aggregate.ERRORS);
        if (!errors.isEmpty()) {
            merged.set(Aggregate.ERRORS, errors);
        }
        return merged;
    }

    private void deadlinePassed() {
        late = true;
        for (int i = 0; i < steps.size(); i++) {
            // Those that were not sent yet because of others are late as well.
            fail(i, TIMEOUT, 504, 0, "the deadline of the aggregate");
        }
    }

    /** Stops everything that is under way. */
    private void release() {
        over = true;
        stop(deadline);
        for (int i = 0; i < steps.size(); i++) {
            cancel(i);
        }
    }

    private void cancel(int i) {
        stop(timers[i]);
        timers[i] = null;
        Call call = calls[i];
        calls[i] = null;
        if (call != null) {
            call.cancel();
        }
    }

    private static void stop(TimeSource.@Nullable Timer timer) {
        if (timer != null) {
            timer.cancel();
        }
    }

    private TimeSource.Timer after(Duration delay, Runnable task) {
        return exchange.time().schedule(delay, () -> exchange.executor().execute(() -> guarded(task)));
    }

    private <T> void onOrOffLoop(
            long bytes, Supplier<@Nullable T> work, BiConsumer<@Nullable T, @Nullable Throwable> then) {
        if (bytes <= ON_LOOP_BYTES) {
            then.accept(work.get(), null);
        } else {
            exchange.offload(work::get).whenComplete((value, failure) -> guarded(() -> then.accept(value, failure)));
        }
    }

    /** A throw inside a callback would be lost and the exchange would hang until its deadline. */
    private void guarded(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error thrown) {
            release();
            answer.completeExceptionally(thrown);
        }
    }

    private static boolean isJson(Response response) {
        String coding = response.header("Content-Encoding");
        String type = response.header("Content-Type");
        if (type == null || (coding != null && !coding.equalsIgnoreCase("identity"))) {
            return false;
        }
        int semicolon = type.indexOf(';');
        String essence =
                (semicolon < 0 ? type : type.substring(0, semicolon)).trim().toLowerCase(Locale.ROOT);
        return essence.equals("application/json") || (essence.startsWith("application/") && essence.endsWith("+json"));
    }
}
