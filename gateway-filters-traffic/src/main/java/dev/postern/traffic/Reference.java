package dev.postern.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Request;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What stands between the braces of a template, and where its value comes from. */
sealed interface Reference {
    /** {@code {id}}: a variable of the route's path. */
    record Variable(String name) implements Reference {}

    /** {@code {query:page}}: the first query parameter of that name; empty when there is none. */
    record Parameter(String name) implements Reference {}

    /** {@code {user.team.id}}: a value in the result of another call. */
    record Result(String call, List<String> path) implements Reference {
        /** Copies. */
        public Result {
            path = List.copyOf(path);
        }
    }

    /** The names that calls can have, and variables too. */
    Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_-]*");

    String QUERY = "query";

    /** The reference, or null when the text is none. */
    static @Nullable Reference parse(String text) {
        if (text.startsWith(QUERY + ':')) {
            String name = text.substring(QUERY.length() + 1);
            return name.isEmpty() ? null : new Parameter(name);
        }
        int dot = text.indexOf('.');
        String name = dot < 0 ? text : text.substring(0, dot);
        if (!NAME.matcher(name).matches()) {
            return null;
        }
        if (dot < 0) {
            return new Variable(name);
        }
        List<String> path = List.of(text.substring(dot + 1).split("\\.", -1));
        return path.contains("") ? null : new Result(name, path);
    }

    /** Whether the value is the client's choice. */
    default boolean fromClient() {
        return !(this instanceof Result);
    }

    /**
     * The value, or null when the result has none there.
     *
     * @throws GatewayException when the route has no variable of the name: a mistake in the configuration
     */
    default @Nullable JsonNode value(Request request, Exchange exchange, Map<String, JsonNode> results) {
        if (this instanceof Result result) {
            JsonNode root = results.get(result.call());
            return root == null ? null : Json.at(root, result.path());
        }
        if (this instanceof Parameter parameter) {
            String value = request.queryParameter(parameter.name());
            return TextNode.valueOf(value == null ? "" : value);
        }
        String name = ((Variable) this).name();
        String value = exchange.pathVariables().get(name);
        if (value == null) {
            throw new GatewayException(
                    Failure.INTERNAL,
                    "aggregate: {" + name + "} is no variable of route \""
                            + exchange.route().id() + "\" (variables: "
                            + String.join(", ", exchange.pathVariables().keySet()) + ")");
        }
        return TextNode.valueOf(value);
    }

    /** The value as a text; fails with {@link UnusableValue} when it is none. */
    default String text(Request request, Exchange exchange, Map<String, JsonNode> results) {
        String text = Json.scalar(value(request, exchange, results));
        if (text == null) {
            throw new UnusableValue(this, "is missing or no text, number or boolean");
        }
        return text;
    }
}
