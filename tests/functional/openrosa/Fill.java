import java.io.FileInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.javarosa.core.model.Constants;
import org.javarosa.core.model.FormDef;
import org.javarosa.core.model.SelectChoice;
import org.javarosa.core.model.data.AnswerDataFactory;
import org.javarosa.core.model.data.IAnswerData;
import org.javarosa.core.model.data.MultipleItemsData;
import org.javarosa.core.model.data.SelectOneData;
import org.javarosa.core.model.data.StringData;
import org.javarosa.core.model.data.UncastData;
import org.javarosa.core.model.data.helper.Selection;
import org.javarosa.core.model.instance.InstanceInitializationFactory;
import org.javarosa.core.services.PropertyManager;
import org.javarosa.form.api.FormEntryController;
import org.javarosa.form.api.FormEntryModel;
import org.javarosa.form.api.FormEntryPrompt;
import org.javarosa.model.xform.XFormSerializingVisitor;
import org.javarosa.model.xform.XFormsModule;
import org.javarosa.xform.util.XFormUtils;
import org.opendatakit.validate.StubPropertyManager;

/**
 * Fills a form with the engine of ODK Collect, question by question as a person would: FORM ANSWERS FILLED.
 *
 * ANSWERS has a line for each answer: the path of its question, a tab, the answer with its line breaks as "\n". Every
 * question that is asked is told on standard output. Exit status 3: an answer is refused, missing, or never asked for.
 */
public final class Fill {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> answers = new HashMap<>();
        for (String line : Files.readAllLines(Path.of(arguments[1]), StandardCharsets.UTF_8)) {
            int tab = line.indexOf('\t');
            answers.put(line.substring(0, tab), line.substring(tab + 1).replace("\\n", "\n"));
        }
        new XFormsModule().registerModule();
        PropertyManager.setPropertyManager(new StubPropertyManager());
        FormDef form = XFormUtils.getFormFromInputStream(new FileInputStream(arguments[0]));
        form.initialize(true, new InstanceInitializationFactory());
        FormEntryController controller = new FormEntryController(new FormEntryModel(form));
        for (int event = controller.stepToNextEvent();
                event != FormEntryController.EVENT_END_OF_FORM;
                event = controller.stepToNextEvent()) {
            if (event == FormEntryController.EVENT_QUESTION) {
                answer(controller, answers);
            }
        }
        if (!answers.isEmpty()) {
            refuse("never asked for", answers.keySet().iterator().next());
        }
        form.postProcessInstance();
        Files.write(Path.of(arguments[2]), new XFormSerializingVisitor().serializeInstance(form.getInstance()));
    }

    private static void answer(FormEntryController controller, Map<String, String> answers) {
        FormEntryPrompt prompt = controller.getModel().getQuestionPrompt();
        String path = prompt.getIndex().getReference().toString(true).replace("[1]", "");
        String said = answers.remove(path);
        System.out.println(path);
        if (said == null) {
            if (prompt.isRequired()) {
                refuse("missing", path);
            }
            return;
        }
        if (controller.answerQuestion(read(prompt, said), true) != FormEntryController.ANSWER_OK) {
            refuse("refused", path);
        }
    }

    private static IAnswerData read(FormEntryPrompt prompt, String said) {
        if (prompt.getControlType() == Constants.CONTROL_SELECT_ONE) {
            return new SelectOneData(choice(prompt, said));
        }
        if (prompt.getControlType() == Constants.CONTROL_SELECT_MULTI) {
            List<Selection> chosen = new ArrayList<>();
            for (String each : said.split("\\s+")) {
                chosen.add(choice(prompt, each));
            }
            return new MultipleItemsData(chosen);
        }
        if (prompt.getDataType() == Constants.DATATYPE_TEXT || prompt.getDataType() == Constants.DATATYPE_BINARY) {
            return new StringData(said);
        }
        return AnswerDataFactory.templateByDataType(prompt.getDataType()).cast(new UncastData(said));
    }

    private static Selection choice(FormEntryPrompt prompt, String said) {
        for (SelectChoice each : prompt.getSelectChoices()) {
            if (each.getValue().equals(said)) {
                return each.selection();
            }
        }
        refuse("no such choice", prompt.getIndex().getReference().toString(false));
        return null;
    }

    private static void refuse(String why, String path) {
        System.err.println(why + ": " + path);
        System.exit(3);
    }
}
