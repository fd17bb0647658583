package dev.postern.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The calls of an aggregate, parsed and checked once, with who waits for whom. */
final class AggregatePlan {
    /**
     * A call.
     *
     * @param needs indexes of the calls whose results it refers to
     */
    record Step(Leg leg, TargetTemplate target, @Nullable JsonTemplate body, JsonNode fallback, Set<Integer> needs) {}

    private final List<Step> steps;

    private AggregatePlan(List<Step> steps) {
        this.steps = steps;
    }

    List<Step> steps() {
        return steps;
    }

    /** Compiles; the result is of use only when no problem was added. */
    static AggregatePlan compile(List<Leg> legs, List<String> problems) {
        Map<String, Integer> indexes = new LinkedHashMap<>();
        for (int i = 0; i < legs.size(); i++) {
            String name = legs.get(i).name();
            if (!Reference.NAME.matcher(name).matches() || name.equals(Reference.QUERY)) {
                problems.add(
                        "call name \"" + name + "\" (expected: a letter, then letters, digits, _ and -; not query)");
            }
            if (indexes.putIfAbsent(name, i) != null) {
                problems.add("two calls are named \"" + name + "\" (expected: a name for each)");
            }
        }
        List<Step> steps = new ArrayList<>();
        for (Leg leg : legs) {
            steps.add(step(leg, indexes, problem -> problems.add("call \"" + leg.name() + "\": " + problem)));
        }
        List<Integer> circle = circle(steps);
        if (!circle.isEmpty()) {
            problems.add("calls wait for each other: "
                    + circle.stream().map(i -> legs.get(i).name()).collect(Collectors.joining(" → "))
                    + " (remove one of the references)");
        }
        return new AggregatePlan(List.copyOf(steps));
    }

    private static Step step(Leg leg, Map<String, Integer> indexes, Consumer<String> problems) {
        TargetTemplate target = TargetTemplate.parse(leg.target(), problems);
        String json = leg.body();
        JsonTemplate body = json == null ? null : JsonTemplate.parse(json, problems);
        if (json != null && (leg.method().equals("GET") || leg.method().equals("HEAD"))) {
            problems.accept(leg.method() + " with a body (expected: another method, or no body)");
        }
        JsonNode fallback = Json.read(leg.fallback());
        if (fallback == null) {
            problems.accept("default " + leg.fallback() + " is not JSON (expected: orElse(\"…\") with a JSON value)");
        }
        List<Reference> references = new ArrayList<>(target.references());
        if (body != null) {
            references.addAll(body.references());
        }
        Set<Integer> needs = new LinkedHashSet<>();
        for (Reference reference : references) {
            if (reference instanceof Reference.Result result) {
                Integer index = indexes.get(result.call());
                if (index == null) {
                    problems.accept("{" + result.call() + '.' + String.join(".", result.path())
                            + "} refers to no call (calls: " + String.join(", ", indexes.keySet()) + ")");
                } else {
                    needs.add(index);
                }
            }
        }
        return new Step(leg, target, body, fallback == null ? NullNode.instance : fallback, Set.copyOf(needs));
    }

    /** A way from a call back to itself, or nothing. */
    private static List<Integer> circle(List<Step> steps) {
        Set<Integer> harmless = new LinkedHashSet<>();
        for (int i = 0; i < steps.size(); i++) {
            List<Integer> circle = circleThrough(i, steps, new ArrayList<>(), harmless);
            if (!circle.isEmpty()) {
                return circle;
            }
        }
        return List.of();
    }

    private static List<Integer> circleThrough(int at, List<Step> steps, List<Integer> way, Set<Integer> harmless) {
        int before = way.indexOf(at);
        way.add(at);
        if (before >= 0) {
            return way.subList(before, way.size());
        }
        if (!harmless.contains(at)) {
            // Sorted, so that the message is the same every time.
            List<Integer> needs = new ArrayList<>(steps.get(at).needs());
            Collections.sort(needs);
            for (int need : needs) {
                List<Integer> circle = circleThrough(need, steps, way, harmless);
                if (!circle.isEmpty()) {
                    return circle;
                }
            }
            harmless.add(at);
        }
        way.remove(way.size() - 1);
        return List.of();
    }
}
