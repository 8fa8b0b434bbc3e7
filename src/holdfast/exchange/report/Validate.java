// Asks veraPDF's engine, which is not ours, whether a PDF keeps the standards that it claims.
//
//   java -cp JAR Validate.java FILE FLAVOUR...      (3a, ua1)
//
// Prints a line for each: FLAVOUR, `passed` or `failed`, how many checks were made, and for each rule
// that is broken, once, its clause, test number and message. The profiles are veraPDF's own, from the
// same jar; they are read here as XML because a jar made smaller may lack JAXB, which reads them there.
import java.io.File;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.parsers.DocumentBuilderFactory;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;
import org.verapdf.pdfa.validation.profiles.Profiles;
import org.verapdf.pdfa.validation.profiles.Rule;
import org.verapdf.pdfa.validation.profiles.ValidationProfile;
import org.verapdf.pdfa.validation.profiles.Variable;
import org.verapdf.pdfa.validation.validators.ValidatorFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public class Validate {
    public static void main(String[] args) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (int i = 1; i < args.length; i++) {
            PDFAFlavour flavour = PDFAFlavour.fromString(args[i]);
            try (PDFAParser parser =
                    Foundries.defaultInstance().createParser(new File(args[0]), flavour)) {
                ValidationResult result =
                        ValidatorFactory.createValidator(profile(args[i]), false).validate(parser);
                System.out.println(args[i] + "\t" + (result.isCompliant() ? "passed" : "failed")
                        + "\t" + result.getTotalAssertions());
                Set<String> broken = new TreeSet<>();
                for (TestAssertion one : result.getTestAssertions()) {
                    if (one.getStatus() == TestAssertion.Status.FAILED) {
                        broken.add("\t" + one.getRuleId().getClause() + "\t"
                                + one.getRuleId().getTestNumber() + "\t"
                                + one.getMessage().replaceAll("\\s+", " "));
                    }
                }
                broken.forEach(System.out::println);
            }
        }
    }

    private static ValidationProfile profile(String flavour) throws Exception {
        String name = flavour.startsWith("ua")
                ? "PDFUA-" + flavour.substring(2) : "PDFA-" + flavour.toUpperCase();
        Element root;
        try (InputStream stream = Profiles.class.getResourceAsStream(
                "/org/verapdf/pdfa/validation/" + name + ".xml")) {
            root = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(stream)
                    .getDocumentElement();
        }
        Set<Rule> rules = new HashSet<>();
        for (Element rule : below(root, "rule")) {
            Element id = below(rule, "id").get(0);
            rules.add(Profiles.ruleFromValues(
                    Profiles.ruleIdFromValues(
                            PDFAFlavour.Specification.valueOf(id.getAttribute("specification")),
                            id.getAttribute("clause"),
                            Integer.parseInt(id.getAttribute("testNumber"))),
                    rule.getAttribute("object"),
                    rule.hasAttribute("deferred")
                            ? Boolean.valueOf(rule.getAttribute("deferred")) : null,
                    rule.getAttribute("tags"),
                    text(rule, "description"),
                    text(rule, "test"),
                    Profiles.errorFromValues(text(rule, "message"), new ArrayList<>()),
                    new ArrayList<>()));
        }
        Set<Variable> variables = new HashSet<>();
        for (Element variable : below(root, "variable")) {
            variables.add(Profiles.variableFromValues(
                    variable.getAttribute("name"), variable.getAttribute("object"),
                    text(variable, "defaultValue"), text(variable, "value")));
        }
        return Profiles.profileFromValues(
                PDFAFlavour.fromString(flavour),
                Profiles.profileDetailsFromValues(name, name, "veraPDF", new Date(0)), "",
                rules, variables);
    }

    private static String text(Element of, String name) {
        List<Element> found = below(of, name);
        return found.isEmpty() ? "" : found.get(0).getTextContent();
    }

    private static List<Element> below(Element of, String name) {
        NodeList nodes = of.getElementsByTagName(name);
        List<Element> found = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            found.add((Element) nodes.item(i));
        }
        return found;
    }
}
