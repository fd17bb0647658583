package dev.postern.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A JSON document whose texts hold references. A text that is one reference and nothing else becomes the value itself,
 * whatever its type: {@code {"ids": "{user.friends}"}}; elsewhere its characters are put in. The document's shape is fixed, so
 * no value can add a member to it.
 */
final class JsonTemplate {
    private final JsonNode root;
    private final List<Reference> references = new ArrayList<>();

    private JsonTemplate(JsonNode root) {
        this.root = root;
    }

    /** Parses, or reports what is wrong and returns null. */
    static @Nullable JsonTemplate parse(String text, Consumer<String> problems) {
        JsonNode root = Json.read(text);
        if (root == null) {
            problems.accept("body " + text + " is not JSON (expected: JSON with references inside its strings)");
            return null;
        }
        JsonTemplate template = new JsonTemplate(root);
        template.collect(root, problems);
        return template;
    }

    List<Reference> references() {
        return List.copyOf(references);
    }

    /**
     * The document with these values in it.
     *
     * @param values may return null for what is missing, which is unusable
     */
    byte[] fill(Function<Reference, @Nullable JsonNode> values) {
        return Json.bytes(filled(root, values));
    }

    private void collect(JsonNode node, Consumer<String> problems) {
        if (node.isTextual()) {
            references.addAll(Template.parse(node.textValue(), problems).references());
        } else {
            node.forEach(child -> collect(child, problems));
        }
    }

    private static JsonNode filled(JsonNode node, Function<Reference, @Nullable JsonNode> values) {
        if (node.isTextual()) {
            Template template = Template.parse(node.textValue(), problem -> {});
            Reference whole = template.whole();
            return whole == null
                    ? TextNode.valueOf(template.fill(reference -> text(reference, values)))
                    : present(whole, values.apply(whole));
        }
        if (node.isObject()) {
            ObjectNode copy = JsonNodeFactory.instance.objectNode();
            for (Map.Entry<String, JsonNode> member : node.properties()) {
                copy.set(member.getKey(), filled(member.getValue(), values));
            }
            return copy;
        }
        if (node.isArray()) {
            ArrayNode copy = JsonNodeFactory.instance.arrayNode();
            node.forEach(element -> copy.add(filled(element, values)));
            return copy;
        }
        return node;
    }

    private static String text(Reference reference, Function<Reference, @Nullable JsonNode> values) {
        String text = Json.scalar(values.apply(reference));
        if (text == null) {
            throw new UnusableValue(reference, "is missing or no text, number or boolean");
        }
        return text;
    }

    private static JsonNode present(Reference reference, @Nullable JsonNode value) {
        if (value == null) {
            throw new UnusableValue(reference, "is missing");
        }
        return value;
    }
}
